#pragma once
// From the skids that were seen to a margin that is not exceeded.
//
// The largest skid seen among n says only that larger ones are rarer than about 3 in n. A margin must hold
// for the ones never seen, so the tail is continued: what lies beyond a high threshold follows a generalized
// Pareto distribution, whatever the whole (Pickands, Balkema, de Haan). Its shape is estimated by
// probability-weighted moments (Hosking and Wallis, Technometrics 29, 1987), which says how uncertain it is;
// the margin is where, at the unfavourable end of that uncertainty, one alarm in 10^9 would come, and a
// quarter more. Tails that end (as those of skids do that a pipeline bounds) give little more than what was
// seen; heavy tails give margins that nobody can use, and are refused by that. It is never less than twice
// what was seen.

#include <escapement/profile.hpp>

#include <span>

namespace escapement::calibration {

/// Fewer alarms than this say nothing of the rare ones.
inline constexpr std::uint64_t fewest_alarms = 300;
/// From here on twice what was seen may do, and nothing, if nothing was seen.
inline constexpr std::uint64_t enough_alarms = 1000;

struct Tail {
    std::uint64_t n = 0;     ///< alarms that came
    std::uint64_t lost = 0;  ///< and that did not
    std::uint64_t early = 0;
    Count most = 0;
    double margin = 0;  ///< counts; may be larger than any Count
    std::string why;    ///< in a clause
};

/// `skids`: what was found of one alarm, with all periods and under all loads.
Tail tail_of(std::span<const SkidFinding* const> skids);

}  // namespace escapement::calibration
