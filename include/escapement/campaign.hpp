#pragma once
// A campaign: the same guests run again and again under many settings, to say how rarely runs differ.
//
//     auto plan = campaign::read_plan(text, "plan.json");
//     if (!plan) return complain(plan.error());                        // "plan.json: /runs: 0 is too small:
//     …" const auto cells = campaign::cells_of(*plan); for (const campaign::Run& run :
//     campaign::runs_of(cells)) …      // the same list every time fmt::print("{} %", 100 *
//     campaign::rate_bound(0, 299));          // 1.0: below that with 95 % confidence
//
// Contract. A Plan is plain data. `read_plan` takes nothing on trust: what is not exactly as the schema has
// it (src/campaign/README.md documents it) is refused with the path, the place and the reason; so is a key
// that the schema does not have. `write_plan` gives text, with every key, that `read_plan` reads back as an
// equal Plan. Cells and runs follow from the plan alone, in an order that never changes.
//
// Units: in the names. Errors: values, one line each. Thread safety: pure functions of their arguments.
// Sources: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
// binomial", Biometrika 26 (1934).

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace escapement::campaign {

/// What is run. In `command` and `consoles`, `{}` stands for the file that a run makes, `{dir}` for a
/// directory of the run's own, and `{NAME}` for the value of the setting of that name.
struct Guest {
    std::string name;
    std::vector<std::string> command;
    std::vector<std::string> consoles;  ///< files that it writes, each with `{dir}`
    bool journal = false;               ///< `escapement run` keeps a journal, and that is what is compared
    bool replay = false;                ///< each run is replayed as well
    bool operator==(const Guest&) const = default;
};

/// A dimension of the matrix: an option of `escapement run`, or what `{NAME}` in commands stands for.
struct Setting {
    std::string name;
    std::vector<std::string> values;
    bool operator==(const Setting&) const = default;
};

struct Limits {
    std::uint64_t jobs = 0;             ///< runs at once; 0: as many as cores and memory allow
    std::uint64_t cpus_per_run = 1;     ///< each run has these to itself
    std::uint64_t memory_mib = 0;       ///< that a run is taken to need; 0: memory limits nothing
    std::uint64_t timeout_seconds = 0;  ///< of one recording or replay; 0: none
    bool operator==(const Limits&) const = default;
};

enum class Engine : std::uint8_t { local, slurm };

struct SlurmWishes {
    std::vector<std::string> options;  ///< of sbatch, as on its command line
    std::uint64_t most_tasks = 1000;   ///< of one job array; more runs are grouped
    bool operator==(const SlurmWishes&) const = default;
};

struct Plan {
    static constexpr unsigned schema_version = 1;
    std::string name;
    std::vector<Guest> guests;
    std::vector<Setting> settings;       ///< in the order of their names
    std::uint64_t runs = 0;              ///< of each cell
    std::uint64_t stock_runs = 0;        ///< of each guest without Escapement, to compare times with
    std::uint64_t kept_differences = 3;  ///< of each cell, the runs that differ whose files are kept
    Limits limits;
    Engine engine = Engine::local;
    SlurmWishes slurm;
    bool operator==(const Plan&) const = default;
};

inline constexpr std::size_t largest_plan = std::size_t{16} << 20U;
inline constexpr std::uint64_t most_cells = 10'000;
inline constexpr std::uint64_t most_runs = 1'000'000;  ///< of a whole campaign

/// `text` as a plan; an error names `path`, the place in it, and why.
tl::expected<Plan, std::string> read_plan(std::string_view text, const std::string& path);
std::string write_plan(const Plan& plan);

/// The first thing in which two plans differ, as "/runs: 50 and 100"; "" if they are equal.
std::string difference(const Plan& a, const Plan& b);

using Values = std::vector<std::pair<std::string, std::string>>;

/// A guest under one choice of settings: runs that must come out the same.
struct Cell {
    std::size_t number = 0;            ///< from 1
    std::size_t guest = 0;             ///< index in Plan::guests
    bool stock = false;                ///< run without Escapement: nobody expects these to agree
    Values options;                    ///< of `escapement run`; none of a stock cell
    Values values;                     ///< of placeholders in this guest's command
    std::vector<std::string> command;  ///< the guest's, with `{}` and `{dir}` still in it
    std::uint64_t runs = 0;
    bool operator==(const Cell&) const = default;
};

/// Every guest with every choice of the settings that matter to it, stock cells after a guest's others.
std::vector<Cell> cells_of(const Plan& plan);

/// One run of a cell.
struct Run {
    std::size_t cell = 0;                          ///< Cell::number
    std::uint64_t number = 0;                      ///< from 1
    auto operator<=>(const Run&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14's mistake
};

/// All runs, in the order in which they are made: a run of each cell in turn, so that a campaign that is cut
/// short has something to say of each, and what disturbs a host disturbs all alike.
std::vector<Run> runs_of(const std::vector<Cell>& cells);

/// What the rate of differences is below, with 95 % confidence, when `differences` of `trials` independent
/// trials differed: Clopper and Pearson's upper bound, one-sided. 1 if nothing was tried.
double rate_bound(std::uint64_t differences, std::uint64_t trials);

}  // namespace escapement::campaign
