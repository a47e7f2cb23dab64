#pragma once
// The C interface of the library, in the shape that the emulator's code likes: guards instead of calls in
// pairs, and no status to look at. All that is ordered in the emulator goes through here.
//
//     Lock lock(machine.mutex);                   // as std::unique_lock
//     while (!ready) wakes.wait(lock);
//
// Errors: a rule that was broken is a defect of the emulator, and a stall cannot be survived: both end it.
// Thread safety: each call is made by a thread that has entered the domain; the constructors, before any has.

#include "fail.hpp"

#include <escapement.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>
#include <thread>

namespace emulator {

inline int check(int status) {
    if (status >= ESCAPEMENT_ERRORS) fail(trouble, escapement_message(status));
    return status;
}

/// Stands in for a busy host, so that a test need not hope for one: threads sleep for random times, in places
/// that no order knows of. What is ordered comes out the same all the same.
class Disturbance {
  public:
    static void set(unsigned most_us) { most_us_ = most_us; }
    static void here() {
        if (most_us_ == 0) return;
        thread_local std::minstd_rand random(std::random_device{}());
        // Mostly short ones: a few long ones alone would hide what happens in between.
        unsigned us = std::uniform_int_distribution<unsigned>(0, most_us_)(random);
        if (random() % 8 != 0) us /= 16;
        std::this_thread::sleep_for(std::chrono::microseconds(us));
    }

  private:
    static inline unsigned most_us_ = 0;  // before there are threads
};

class Mutex {
  public:
    Mutex(escapement_domain* domain, const char* name) {
        check(escapement_mutex_create(domain, name, &mutex_));
    }
    ~Mutex() { check(escapement_mutex_destroy(mutex_)); }
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    void lock() {
        Disturbance::here();
        check(escapement_mutex_lock(mutex_));
    }
    void unlock() {
        check(escapement_mutex_unlock(mutex_));
        Disturbance::here();
    }
    escapement_mutex* handle() { return mutex_; }

  private:
    escapement_mutex* mutex_ = nullptr;
};

using Lock = std::unique_lock<Mutex>;

class Condition {
  public:
    Condition(escapement_domain* domain, const char* name) {
        check(escapement_condition_create(domain, name, &condition_));
    }
    ~Condition() { check(escapement_condition_destroy(condition_)); }
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    void wait(Lock& lock) { check(escapement_condition_wait(condition_, lock.mutex()->handle())); }
    /// `deadline` as escapement_now() tells time; ESCAPEMENT_FOREVER for none.
    void wait_until(Lock& lock, std::int64_t deadline) {
        check(escapement_condition_timedwait(condition_, lock.mutex()->handle(), deadline));
    }
    void wake_one() { check(escapement_condition_signal(condition_)); }
    void wake_all() { check(escapement_condition_broadcast(condition_)); }

  private:
    escapement_condition* condition_ = nullptr;
};

}  // namespace emulator
