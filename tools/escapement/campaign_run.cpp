#include "campaign_run.hpp"

#include "verify_execute.hpp"
#include "verify_run_files.hpp"
#include "verify_run_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace escapement::campaign {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "?";
    return name.data();
}

std::string now() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// A number for what a run made: files of equal contents have equal numbers.
std::string digest_of(const std::vector<std::string>& files) {
    const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
    XXH3_128bits_reset(state.get());
    std::vector<char> block(std::size_t{1} << 18U);
    for (const std::string& path : files) {
        std::ifstream file(path, std::ios::binary);
        std::uint64_t size = 0;
        while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
            XXH3_128bits_update(state.get(), block.data(), static_cast<std::size_t>(file.gcount()));
            size += static_cast<std::uint64_t>(file.gcount());
        }
        XXH3_128bits_update(state.get(), &size, sizeof size);
    }
    const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

class Making {
  public:
    Making(const Results& results, const verify::Plan& plan, const Run& run, const std::set<unsigned>& cpus,
           Interruption& interruption)
        : results_(results),
          cell_(results.cells()[run.cell - 1]),
          guest_(results.plan().guests[cell_.guest]),
          plan_(plan),
          run_(run),
          interruption_(interruption),
          journal_(keeps_journal(results.plan(), cell_)) {
        options_.cpus = cpus;
        options_.grace = std::chrono::seconds{1};  // an interrupted campaign ends within two
        options_.settings = cell_.options;
        if (const auto limit = results.plan().limits.timeout_seconds; limit > 0)
            options_.time_limit = std::chrono::seconds{limit};
    }

    tl::expected<Made, std::string> make() {
        const auto directory = results_.make_work(run_);
        if (!directory) return tl::unexpected(directory.error());
        run_result_.number = static_cast<int>(run_.number);
        run_result_.directory = *directory;
        started_ = now();
        auto trouble = execute();
        if (trouble.empty() && signal_ == 0) trouble = results_.shortage();
        Made made{.record = {}, .signal = signal_};
        if (trouble.empty() && signal_ == 0) trouble = conclude(made.record);
        std::error_code ignored;
        fs::remove_all(*directory, ignored);
        if (!trouble.empty()) return tl::unexpected(trouble);
        return made;
    }

  private:
    /// Runs and replays. What could not be run at all, in a sentence, or "".
    std::string execute() {
        auto trouble =
            execute(plan_.record, verify::places_of_record(run_result_), "journal", run_result_.record);
        if (!trouble.empty() || signal_ != 0) return trouble;
        if (run_result_.record.complete()) verify::inspect_files(plan_, run_result_);
        const bool replays = guest_.replay && !cell_.stock && (journal_ || !plan_.replay.empty());
        if (!replays || !run_result_.record.complete()) return {};
        return replay();
    }

    std::string replay() {
        const verify::Places places = verify::places_of_replay(run_result_);
        std::error_code error;
        fs::create_directory(places.directory, error);
        if (error) return fmt::format("cannot make {}: {}", places.directory, error.message());
        run_result_.replay.emplace();
        verify::Plan plan = plan_;
        if (journal_) {
            // A journal is replayed by the very command that it is of, which writes the same files once more.
            plan.consoles.clear();
            plan.replay = verify::fill_in(plan_.record, verify::places_of_record(run_result_));
        }
        auto trouble = execute(plan.replay, places, "replay", *run_result_.replay);
        if (!trouble.empty() || signal_ != 0) return trouble;
        if (run_result_.replay->complete())
            run_result_.replay_consoles = verify::compare_consoles_with_replay(plan, run_result_);
        return {};
    }

    /// `journal_option`: under which the journal is passed to `escapement run`, if there is one.
    std::string execute(const std::vector<std::string>& command, const verify::Places& places,
                        const char* journal_option, verify::Execution& execution) {
        verify::Options options = options_;
        if (journal_) options.settings.emplace_back(journal_option, places.artifact);
        verify::Executor executor(options, interruption_, {});
        auto executed =
            executor.execute(cell_.stock ? verify::Mode::stock : verify::Mode::ordered, command, places);
        if (!executed) return executed.error();
        execution = std::move(*executed);
        signal_ = interruption_.signal();
        return {};
    }

    /// Compares, and puts the result where it belongs.
    std::string conclude(Record& record) {
        std::string outcome;
        std::string files;
        if (run_result_.record.complete()) {
            // Its files move when it becomes the reference; what they hold does not change.
            const std::string digest = digest_of(files_of(run_result_));
            const auto first = results_.make_reference(run_, run_result_.directory);
            if (!first) return first.error();
            if (*first || compare()) {
                outcome = reference_outcome;
                run_result_.same_as = run_result_.number;
            } else {
                outcome = digest;
            }
            if (!run_result_.record.complete()) outcome.clear();  // a file could not be read
            if (!*first && !cell_.stock && !run_result_.agrees())
                files = results_.keep(run_, run_result_.directory);
        }
        run_result_.directory = files;  // where they were is gone
        Json values = Json::object();
        for (const auto& [name, value] : cell_.values)
            values[name] = value;
        for (const auto& [name, value] : cell_.options)
            values[name] = value;
        const Json json{
            {"format", 1},          {"cell", run_.cell},    {"run", run_.number},
            {"guest", guest_.name}, {"stock", cell_.stock}, {"settings", std::move(values)},
            {"started", started_},  {"host", host_name()},  {"version", ESCAPEMENT_VERSION},
            {"outcome", outcome},   {"files", files},       {"result", verify::run_json(run_result_)}};
        const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
        if (auto put = results_.put(run_, text); !put) return put.error();
        auto read = read_record(text);
        if (!read) return read.error();
        record = std::move(*read);
        return {};
    }

    /// True if the run is like its cell's reference.
    bool compare() {
        verify::RunResult reference;
        reference.number = reference.same_as = 0;
        reference.directory = results_.reference_of(run_);
        reference.record.end.emplace();
        reference.events = run_result_.events;  // only whether there are any is asked
        const verify::Group group{verify::Mode::ordered, {}, {reference}};
        verify::compare_with_first(plan_, group, run_result_);
        auto& difference = run_result_.disagreement;
        // The header of a journal has the command in it, and that the run's own directory.
        if (difference && difference->consoles.empty() && difference->journal &&
            difference->journal->identical())
            difference.reset();
        return !difference;
    }

    [[nodiscard]] std::vector<std::string> files_of(const verify::RunResult& run) const {
        const verify::Places places = verify::places_of_record(run);
        std::vector<std::string> files;
        if (plan_.has_artifact) files.push_back(places.artifact);
        for (const std::string& console : plan_.consoles)
            files.push_back(verify::fill_in(console, places));
        if (plan_.console_on_output) files.push_back(verify::output_of(places.directory));
        return files;
    }

    const Results& results_;
    const Cell& cell_;
    const Guest& guest_;
    const verify::Plan& plan_;
    Run run_;
    Interruption& interruption_;
    bool journal_;
    verify::Options options_;
    verify::RunResult run_result_;
    std::string started_;
    int signal_ = 0;
};

}  // namespace

bool keeps_journal(const Plan& plan, const Cell& cell) {
    const auto is_free = [](const auto& option) {
        return option.first == "policy" && option.second == "free";
    };
    return plan.guests[cell.guest].journal && !cell.stock &&
           std::none_of(cell.options.begin(), cell.options.end(), is_free);
}

tl::expected<Commands, std::string> Commands::of(const Plan& plan, const std::vector<Cell>& cells) {
    Commands commands;
    for (const Cell& cell : cells) {
        const Guest& guest = plan.guests[cell.guest];
        // A guest with a journal is compared by what it prints where there is none.
        auto made = verify::make_plan(cell.command, guest.consoles,
                                      guest.journal ? verify::Artifact::journal : verify::Artifact::file);
        if (!made)
            return tl::unexpected(
                fmt::format("/guests/{}/command: nothing to compare: put {{}} into it where it takes the "
                            "file that it makes, or "
                            "name \"consoles\" that it writes, or say \"journal\": true",
                            cell.guest));
        if (guest.journal) made->has_artifact = keeps_journal(plan, cell);
        commands.plans_.emplace(cell.number, std::move(*made));
    }
    return commands;
}

tl::expected<Made, std::string> make_run(const Results& results, const Commands& commands, const Run& run,
                                         const std::set<unsigned>& cpus, Interruption& interruption) {
    return Making(results, commands.of_cell(run.cell), run, cpus, interruption).make();
}

}  // namespace escapement::campaign
