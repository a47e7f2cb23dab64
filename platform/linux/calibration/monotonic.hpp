#pragma once
// Time for measurements, in nanoseconds. Async-signal-safe.

#include <cstdint>
#include <ctime>

namespace escapement {

inline std::int64_t time_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline std::int64_t monotonic_ns() {
    return time_of(CLOCK_MONOTONIC);
}

}  // namespace escapement
