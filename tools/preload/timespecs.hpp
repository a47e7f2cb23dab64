#pragma once
// Times as the C library has them, and as the order does.

#include <escapement/order.hpp>

#include <ctime>

namespace escapement::preload {

inline constexpr Nanoseconds second = 1'000'000'000;

inline bool is_valid(const timespec& time) {
    return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < second;
}

inline Nanoseconds nanoseconds(const timespec& time) {
    return Nanoseconds{time.tv_sec} * second + time.tv_nsec;
}

inline timespec timespec_of(Nanoseconds time) {
    return {.tv_sec = time / second, .tv_nsec = time % second};
}

}  // namespace escapement::preload
