#pragma once
// Times as the C library has them, and as the order does.

#include <escapement/order.hpp>

#include <algorithm>
#include <ctime>

namespace escapement::preload {

inline constexpr Nanoseconds second = 1'000'000'000;

inline bool is_valid(const timespec& time) {
    return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < second;
}

inline Nanoseconds nanoseconds(const timespec& time) {
    return Nanoseconds{time.tv_sec} * second + time.tv_nsec;
}

inline bool is_zero(const timespec& time) {
    return time.tv_sec == 0 && time.tv_nsec == 0;
}

/// An interval, no longer than leaves room to add it to a time.
inline Nanoseconds interval_of(const timespec& time) {
    constexpr time_t most_seconds = no_deadline / 4 / second;
    return std::min(time.tv_sec, most_seconds) * second + time.tv_nsec;
}

inline timespec timespec_of(Nanoseconds time) {
    return {.tv_sec = time / second, .tv_nsec = time % second};
}

}  // namespace escapement::preload
