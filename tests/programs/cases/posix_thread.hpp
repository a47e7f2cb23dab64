#pragma once
// Threads of pthread.h, begun with a function object.

#include "signature.hpp"

#include <pthread.h>

#include <ctime>
#include <functional>
#include <utility>
#include <vector>

namespace cases {

inline void* run_function(void* memory) {
    auto* const function = static_cast<std::function<void()>*>(memory);
    (*function)();
    delete function;
    return nullptr;
}

inline pthread_t start(std::function<void()> function, const pthread_attr_t* attributes = nullptr) {
    pthread_t thread{};
    auto* const moved = new std::function<void()>(std::move(function));
    REQUIRE_THAT(pthread_create(&thread, attributes, run_function, moved) == 0);
    return thread;
}

inline void join(pthread_t thread) {
    REQUIRE_THAT(pthread_join(thread, nullptr) == 0);
}

/// `count` threads that run `body(number)`, all joined.
template <typename Body>
void together(unsigned count, Body body) {
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= count; ++number)
        threads.push_back(start([number, body] { body(number); }));
    for (const pthread_t thread : threads)
        join(thread);
}

inline timespec after_ms(clockid_t clock, long milliseconds) {
    timespec time{};
    clock_gettime(clock, &time);
    time.tv_sec += milliseconds / 1000;
    time.tv_nsec += milliseconds % 1000 * 1'000'000;
    if (time.tv_nsec >= 1'000'000'000) {
        ++time.tv_sec;
        time.tv_nsec -= 1'000'000'000;
    }
    return time;
}

inline long nanoseconds_between(const timespec& from, const timespec& to) {
    return (to.tv_sec - from.tv_sec) * 1'000'000'000 + to.tv_nsec - from.tv_nsec;
}

inline void sleep_ms(long milliseconds) {
    const timespec time{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
    nanosleep(&time, nullptr);
}

}  // namespace cases
