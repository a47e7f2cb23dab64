#include "verify_run_files.hpp"

#include "verify_compare.hpp"
#include "verify_directory.hpp"
#include "verify_execute.hpp"
#include "verify_text.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace escapement::verify {
namespace {

namespace fs = std::filesystem;

struct ConsoleFile {
    std::string name;  ///< for messages
    std::string path;
};

/// The consoles of an execution in `places`. `output_too`: standard output, if there is no other.
std::vector<ConsoleFile> consoles_of(const Plan& plan, const Places& places, bool output_too) {
    std::vector<ConsoleFile> consoles;
    for (const std::string& console : plan.consoles) {
        const std::string path = fill_in(console, places);
        const bool only_one = plan.consoles.size() == 1;
        consoles.push_back(
            {only_one ? "the console" : "the console " + fs::path(path).filename().string(), path});
    }
    if (plan.console_on_output || (output_too && consoles.empty())) {
        consoles.push_back({"standard output", output_of(places.directory)});
    }
    return consoles;
}

/// Sentences on the consoles that differ. One that cannot be read is added to `failures`.
std::vector<std::string> compare_consoles(const std::vector<ConsoleFile>& a,
                                          const std::vector<ConsoleFile>& b,
                                          std::vector<std::string>& failures) {
    std::vector<std::string> different;
    for (std::size_t index = 0; index < a.size(); ++index) {
        const auto byte = first_different_byte(a[index].path, b[index].path);
        if (!byte) {
            failures.push_back(byte.error());
        } else if (*byte) {
            different.push_back(
                describe_text_difference(a[index].name, a[index].path, b[index].path, **byte));
        }
    }
    return different;
}

/// A recording that QEMU did not finish is not complete, whatever its exit status says.
void inspect_log(RunResult& run, const std::string& path) {
    const auto log = summarize_log(path);
    if (!log) {
        // The format of another QEMU is compared byte for byte, like any other file.
        if (log.error().kind != QemuLogError::Kind::other_version &&
            log.error().kind != QemuLogError::Kind::not_a_log) {
            run.record.failures.push_back(log.error().text());
        }
        return;
    }
    run.events = log->events;
    if (log->trouble) run.record.failures.push_back(log->trouble->text());
}

/// Any command may make a journal; one that was cut is not complete.
void inspect_journal(RunResult& run, const std::string& path) {
    const auto records = count_journal(path);
    if (!records) {
        run.record.failures.push_back(records.error());
    } else if (*records) {
        run.events = **records;
    }
}

struct Comparison {
    bool equal = true;
    Disagreement disagreement;
};

Comparison compare(const Plan& plan, const RunResult& first, RunResult& run) {
    Comparison comparison;
    if (plan.has_artifact) {
        const auto byte =
            first_different_byte(places_of_record(first).artifact, places_of_record(run).artifact);
        if (!byte) {
            run.record.failures.push_back(byte.error());
        } else {
            comparison.disagreement.byte = *byte;
        }
    }
    comparison.disagreement.consoles =
        compare_consoles(consoles_of(plan, places_of_record(first), false),
                         consoles_of(plan, places_of_record(run), false), run.record.failures);
    comparison.equal = !comparison.disagreement.byte && comparison.disagreement.consoles.empty();
    return comparison;
}

}  // namespace

Places places_of_record(const RunResult& run) {
    return {run.directory, run.directory + "/artifact"};
}

Places places_of_replay(const RunResult& run) {
    return {run.directory + "/replay", run.directory + "/artifact"};
}

void inspect_files(const Plan& plan, RunResult& run) {
    const Places places = places_of_record(run);
    if (plan.has_artifact) {
        std::error_code error;
        if (!fs::is_regular_file(places.artifact, error)) {
            run.record.failures.emplace_back("made no file where {} stands in COMMAND");
            return;
        }
        run.artifact_bytes = fs::file_size(places.artifact, error);
        // Only a command that records makes a log; anything else that looks like one does so by accident.
        if (!plan.replay.empty()) inspect_log(run, places.artifact);
        inspect_journal(run, places.artifact);
    }
    for (const ConsoleFile& console : consoles_of(plan, places, false)) {
        std::error_code error;
        if (!fs::exists(console.path, error)) run.record.failures.push_back("did not write " + console.path);
    }
}

void compare_with_first(const Plan& plan, const Group& group, RunResult& run) {
    if (!run.record.complete()) return;
    run.same_as = run.number;
    bool is_first = true;
    for (const RunResult& other : group.runs) {
        // One of every kind is enough.
        if (!other.record.complete() || other.same_as != other.number) continue;
        Comparison comparison = compare(plan, other, run);
        if (!run.record.complete()) return;
        if (is_first && !comparison.equal) {
            if (comparison.disagreement.byte && run.events && other.events) {
                comparison.disagreement.log =
                    compare_logs(places_of_record(other).artifact, places_of_record(run).artifact);
                comparison.disagreement.journal =
                    compare_journal_files(places_of_record(other).artifact, places_of_record(run).artifact);
            }
            run.disagreement = std::move(comparison.disagreement);
        }
        is_first = false;
        if (!comparison.equal) continue;
        run.same_as = other.number;
        if (plan.has_artifact) share_space(places_of_record(other).artifact, places_of_record(run).artifact);
        return;
    }
}

std::vector<std::string> compare_consoles_with_replay(const Plan& plan, RunResult& run) {
    return compare_consoles(consoles_of(plan, places_of_record(run), true),
                            consoles_of(plan, places_of_replay(run), true), run.replay->failures);
}

std::string describe_disagreement(const Disagreement& disagreement) {
    std::vector<std::string> parts;
    if (disagreement.log) {
        const auto add = [&parts](const char* how, const std::optional<Difference>& difference) {
            if (difference)
                parts.push_back(fmt::format("by {} at event {}", how, grouped(difference->index)));
        };
        add("kind", disagreement.log->by_kind);
        add("payload", disagreement.log->by_payload);
    }
    if (disagreement.journal && disagreement.journal->first) {
        const JournalDifference& first = *disagreement.journal->first;
        parts.push_back(fmt::format("at record {}, participant {}, clock {}: {} and {}", grouped(first.index),
                                    first.a->record.participant, grouped(first.a->record.clock),
                                    describe(first.a->view()), describe(first.b->view())));
    }
    if (parts.empty() && disagreement.byte)
        parts.push_back(fmt::format("at byte {}", grouped(*disagreement.byte)));
    if (parts.empty()) return fmt::format("{}", fmt::join(disagreement.consoles, "; "));
    return fmt::format("first difference {}", fmt::join(parts, ", "));
}

std::string describe_record(const RunResult& run) {
    if (!run.record.complete()) return fmt::format("{}", fmt::join(run.record.failures, "; "));
    std::string text = fmt::format("{:.2f} s", seconds_of(run.record.end->wall));
    if (run.events) text += fmt::format(", {} events", grouped(*run.events));
    if (run.disagreement) {
        text += ", differs from the first: " + describe_disagreement(*run.disagreement);
    } else if (run.same_as != run.number) {
        text += fmt::format(", the same as run {}", run.same_as);
    }
    if (!run.record.incidents.empty()) {
        text += fmt::format(", marked not reproducible: {}", fmt::join(run.record.incidents, "; "));
    }
    return text;
}

std::string describe_replay(const RunResult& run) {
    if (!run.replay->complete()) return fmt::format("{}", fmt::join(run.replay->failures, "; "));
    std::string text = fmt::format("{:.2f} s", seconds_of(run.replay->end->wall));
    text += run.replay_consoles.empty() ? std::string(", the recording's console")
                                        : fmt::format(", {}", fmt::join(run.replay_consoles, "; "));
    if (!run.replay->incidents.empty()) {
        text += fmt::format(", marked not reproducible: {}", fmt::join(run.replay->incidents, "; "));
    }
    return text;
}

}  // namespace escapement::verify
