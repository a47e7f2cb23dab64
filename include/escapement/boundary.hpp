#pragma once
// The way to an exact count.
//
// Contract. A thread is to stop when its clock is exactly `target`. Its alarm can be set to come after so
// many counts, but comes up to `margin` counts late; steps are exact, and slow. So the alarm is set to come
// early by the margin, and steps do the rest. An alarm may come earlier than it was set for (the counts of
// code that is not the thread's own are in it): then it is set again. What must never be is a clock beyond
// the target: a late or lost alarm, a wrong count or a step too far. That is a miss, and never mended
// silently.
//
//     switch (const Approach way = approach(clock, target, margin); way.move) { … }
//
// Units: counts of the clock. Thread safety: a pure function.
// Source: rr, "Engineering Record and Replay for Deployability" (O'Callahan et al., USENIX ATC 2017), 2.4.

#include <cstdint>

namespace escapement {

using Count = std::uint64_t;

/// No boundary is wanted.
inline constexpr Count no_boundary = ~Count{0};

struct Approach {
    enum class Move : std::uint8_t {
        run,    ///< there is no boundary
        alarm,  ///< set the alarm to come after `after` counts
        step,   ///< execute one instruction and look again
        land,   ///< the thread is there
        miss,   ///< the thread is past it by `after` counts
    };
    Move move = Move::run;
    Count after = 0;
};

/// An alarm is not set for less than this many counts: a step costs no more.
inline constexpr Count shortest_alarm = 8;

Approach approach(Count clock, Count target, Count margin);

}  // namespace escapement
