#pragma once
// What the threads of a parallel order share, as the processor has it. Tests that explore every interleaving
// put a header of the same name before this one.

#include <escapement/parking.hpp>
#include <escapement/waiting.hpp>

#include <atomic>
#include <thread>

namespace escapement::parallel {

template <typename Type>
using Shared = std::atomic<Type>;
using SharedLatch = escapement::Latch;
using Place = escapement::ParkingPlace;

/// How many looks there are between two at the clock, when waiting awake.
inline constexpr unsigned spins_between_clocks = 32;

inline void pause_briefly() {
    escapement::relax();
}
/// Lets other threads of this CPU go first.
inline void step_back() {
    std::this_thread::yield();
}
inline std::int64_t spinning_clock() {
    return escapement::monotonic_ns();
}

}  // namespace escapement::parallel
