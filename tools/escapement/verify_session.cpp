#include "verify_session.hpp"

#include "verify_compare.hpp"
#include "verify_directory.hpp"
#include "verify_execute.hpp"
#include "verify_progress.hpp"
#include "verify_run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

namespace escapement::verify {
namespace {

using std::chrono::steady_clock;

std::vector<Group> make_groups(const Options& options) {
    std::vector<Group> groups;
    if (options.against_stock) {
        groups.push_back({Mode::stock, name_of(Mode::stock, options.settings), {}});
        const bool ticktock_anyway = name_of(Mode::ordered, options.settings) == "ticktock";
        if (!ticktock_anyway)
            groups.push_back({Mode::ticktock, name_of(Mode::ticktock, options.settings), {}});
    }
    groups.push_back({Mode::ordered, name_of(Mode::ordered, options.settings), {}});
    return groups;
}

class Session {
  public:
    Session(const Options& options, const Plan& plan, Interruption& interruption, const WorkDirectory& work)
        : options_(options),
          plan_(plan),
          interruption_(interruption),
          work_(work),
          progress_(stderr, is_terminal(stderr), executions(options)),
          executor_(options, interruption, [this] { progress_.tick(); }) {
        outcome_.groups = make_groups(options);
    }

    Outcome run() {
        const auto start = steady_clock::now();
        for (const std::string& note : plan_.notes)
            progress_.note("note: " + note);
        const std::size_t groups = outcome_.groups.size();
        for (int round = 0; round < options_.runs && going_on(); ++round) {
            for (std::size_t turn = 0; turn < groups && going_on(); ++turn) {
                one_run(outcome_.groups[(static_cast<std::size_t>(round) + turn) % groups]);
            }
        }
        if (going_on()) explain_difference();
        outcome_.seconds = seconds_of(steady_clock::now() - start);
        return std::move(outcome_);
    }

  private:
    static int executions(const Options& options) {
        return options.runs * static_cast<int>(make_groups(options).size()) * (options.replay ? 2 : 1);
    }

    bool going_on() const { return outcome_.trouble.empty() && outcome_.signal == 0; }

    void one_run(Group& group) {
        RunResult run;
        run.number = static_cast<int>(group.runs.size()) + 1;
        const std::string name =
            fmt::format("{}-{:0{}}", group.name, run.number, fmt::formatted_size("{}", options_.runs));
        const auto directory = work_.make(name);
        if (!directory) {
            outcome_.trouble = directory.error();
            return;
        }
        run.directory = *directory;
        record(group, run);
        if (options_.replay && going_on() && run.record.complete()) replay(group, run);
        if (outcome_.signal != 0) {
            // It was cut short, so nothing of it is worth keeping.
            work_.remove(name);
            return;
        }
        group.runs.push_back(std::move(run));
        // A command that fails at once would fail as often as it is tried.
        const RunResult& done = group.runs.back();
        if (going_on() && group.mode == Mode::ordered && done.number == 1 && !done.complete()) {
            outcome_.trouble = "the first run is not complete, so no more are made";
        }
    }

    void record(const Group& group, RunResult& run) {
        const std::string label = fmt::format("{} {}", group.name, run.number);
        progress_.begin(label);
        if (!execute(group, plan_.record, places_of_record(run), run.record)) return;
        if (run.record.complete()) {
            inspect_files(plan_, run);
            compare_with_first(plan_, group, run);
        }
        report(group, run.record, label, describe_record(run));
    }

    void replay(const Group& group, RunResult& run) {
        const std::string label = fmt::format("{} {}, replay", group.name, run.number);
        progress_.begin(label);
        const Places places = places_of_replay(run);
        const auto directory = work_.make(places.directory);
        if (!directory) {
            outcome_.trouble = directory.error();
            return;
        }
        run.replay.emplace();
        if (!execute(group, plan_.replay, places, *run.replay)) return;
        if (run.replay->complete()) run.replay_consoles = compare_consoles_with_replay(plan_, run);
        report(group, *run.replay, label, describe_replay(run));
    }

    /// False if nothing can be said about the execution, because it did not happen or was interrupted.
    bool execute(const Group& group, const std::vector<std::string>& command, const Places& places,
                 Execution& execution) {
        auto executed = executor_.execute(group.mode, command, places);
        if (!executed) {
            outcome_.trouble = executed.error();
            return false;
        }
        execution = std::move(*executed);
        outcome_.signal = interruption_.signal();
        if (outcome_.signal != 0) return false;
        outcome_.trouble = work_.shortage();
        return outcome_.trouble.empty();
    }

    void explain_difference() {
        const std::vector<RunResult>& runs = outcome_.ordered().runs;
        const auto complete = [](const RunResult& run) { return run.record.complete(); };
        const auto differs = [](const RunResult& run) {
            return run.disagreement && (run.disagreement->log || run.disagreement->journal);
        };
        const auto a = std::find_if(runs.begin(), runs.end(), complete);
        const auto b = std::find_if(runs.begin(), runs.end(), differs);
        if (a == runs.end() || b == runs.end()) return;
        outcome_.difference = executor_.diff(places_of_record(*a).artifact, places_of_record(*b).artifact,
                                             work_.path() + "/difference");
    }

    void report(const Group& group, const Execution& execution, const std::string& label,
                const std::string& description) {
        // What goes wrong in the groups that are only there for comparison is part of what the table shows.
        const bool matters =
            group.mode == Mode::ordered && !(execution.failures.empty() && execution.incidents.empty());
        const std::string line = fmt::format("{}: {}", label, description);
        progress_.finish(line);
        if (matters && is_terminal(stderr)) progress_.note(line);
    }

    const Options& options_;
    const Plan& plan_;
    Interruption& interruption_;
    const WorkDirectory& work_;
    Progress progress_;
    Executor executor_;
    Outcome outcome_;
};

}  // namespace

Outcome run_session(const Options& options, const Plan& plan, Interruption& interruption) {
    Outcome outcome;
    outcome.groups = make_groups(options);
    auto work = options.keep.empty() ? WorkDirectory::temporary() : WorkDirectory::at(options.keep);
    if (!work) {
        outcome.trouble = work.error();
        return outcome;
    }
    if (const auto argument = split_by_comma(plan.record, work->path())) {
        outcome.trouble = fmt::format(
            "{} has a comma in its name, at which QEMU would cut the value in {}: choose another with --keep "
            "DIR",
            work->path(), *argument);
        return outcome;
    }
    outcome = Session(options, plan, interruption, *work).run();
    const bool worth_a_look = outcome.signal == 0 &&
                              judge(outcome.ordered(), options.runs) != Verdict::agree &&
                              !outcome.ordered().runs.empty();
    if (worth_a_look) work->keep();
    if (work->kept()) outcome.directory = work->path();
    return outcome;
}

}  // namespace escapement::verify
