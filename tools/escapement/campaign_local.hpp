#pragma once
// The engine for one machine: runs side by side, each on CPUs of its own.

#include "campaign_results.hpp"
#include "campaign_run.hpp"

#include <escapement/child_process.hpp>

#include <string>
#include <vector>

namespace escapement::campaign {

/// So many runs of a cell that are not complete, and none that is: no more are made.
inline constexpr std::uint64_t most_failures = 3;

struct LocalEnd {
    int signal = 0;               ///< that ended it, or 0
    std::string trouble;          ///< why it was given up, a sentence; "" if it was not
    std::uint64_t skipped = 0;    ///< runs of cells that were given up
    std::vector<Record> records;  ///< what was made, and what there was before
};

/// Makes `runs`, those of which there are `records` left out. Progress, with the time that is left, goes to
/// standard error. `slots`: the CPUs of each that goes on at once.
LocalEnd run_locally(const Results& results, const Commands& commands, const std::vector<Run>& runs,
                     std::vector<Record> records, const std::vector<std::set<unsigned>>& slots,
                     Interruption& interruption);

/// How long the rest will take: `remaining` has the runs that each cell still has, `means` the seconds that
/// one takes, as far as known; those that are not take as long as the others do. 0 if nothing is known.
double seconds_left(const std::map<std::size_t, std::uint64_t>& remaining,
                    const std::map<std::size_t, double>& means, std::size_t jobs);

/// "4 s", "3 min", "2 h 10 min".
std::string duration_text(double seconds);

}  // namespace escapement::campaign
