#pragma once
// What the threads of a parallel order share, as the processor has it. Tests that explore every interleaving
// put a header of the same name before this one.

#include <escapement/parking.hpp>
#include <escapement/waiting.hpp>

#include <atomic>
#include <set>
#include <thread>

namespace escapement::parallel {

template <typename Type>
using Shared = std::atomic<Type>;
using SharedLatch = escapement::Latch;
using Place = escapement::ParkingPlace;

/// How many looks there are between two at the clock, when waiting awake.
inline constexpr unsigned spins_between_clocks = 32;
/// Counts of progress that may be kept back, and within which the next report is near: about a fraction of a
/// microsecond.
inline constexpr std::uint64_t kept_back = 256;

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
inline unsigned this_cpu() {
    return escapement::current_cpu();
}
/// Takes another CPU than those, if there is one.
inline bool leave_cpus(const std::set<unsigned>& taken) {
    return escapement::leave_cpus(taken);
}

}  // namespace escapement::parallel
