// Condition variables. A waiting participant parks in the order; the real condition has no waiters but
// strangers.

#include "mutexes.hpp"
#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <cerrno>
#include <climits>

namespace escapement::preload {

namespace {

// Which clock a condition was made with, and for whom, is not to be had by a function.
// Source: glibc, nptl/pthreadP.h (__PTHREAD_COND_SHARED_MASK, __PTHREAD_COND_CLOCK_MONOTONIC_MASK).
bool is_shared(const pthread_cond_t* condition) {
    return (condition->__data.__wrefs & 1U) != 0;
}
clockid_t clock_of(const pthread_cond_t* condition) {
    return (condition->__data.__wrefs & 2U) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

int wait_in_order(pthread_cond_t* condition, pthread_mutex_t* mutex, Nanoseconds deadline) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wait, condition, false);
    qemu_before_wait();
    const ObjectKey key = key_of(mutex);
    const HeldLocks::Lock* const lock = domain.order().held_locks().find(key);
    const std::uint32_t depth = lock != nullptr && lock->owner == thread_state.number ? lock->depth : 0;
    for (std::uint32_t each = 0; each < (depth == 0 ? 1 : depth); ++each) {
        if (const int result = real().pthread_mutex_unlock(mutex); result != 0) return result;
    }
    domain.order().wait(key_of(condition), "condition", key, deadline);
    const bool timed_out = domain.pass_turn() == Wakeup::timed_out;
    int result = 0;
    if (depth == 0) result = lock_in_order(domain, mutex, no_deadline);
    for (std::uint32_t each = 0; each < depth && result == 0; ++each)
        result = take_real_mutex(mutex);
    if (result != 0) return result;
    return timed_out ? ETIMEDOUT : 0;
}

void wake_in_order(pthread_cond_t* condition, std::size_t count) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wake, condition, false);
    domain.order().wake(key_of(condition), count);
}

/// For conditions in memory that other processes share: they wake whom they like.
template <typename Wait>
int wait_outside(Wait wait, pthread_mutex_t* mutex) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wait, mutex, false);
    domain.order().unlock(key_of(mutex));
    int result = 0;
    {
        const Outside outside("a condition shared with other processes");
        result = wait();
        if (result == 0 || result == ETIMEDOUT) real().pthread_mutex_unlock(mutex);
    }
    const int locked = lock_in_order(domain, mutex, no_deadline);
    return locked != 0 ? locked : result;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pthread_cond_wait(condition, mutex);
        const CancellationPoint point;
        if (is_shared(condition)) {
            return wait_outside([&] { return real().pthread_cond_wait(condition, mutex); }, mutex);
        }
        result = wait_in_order(condition, mutex, escapement::no_deadline);
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                             clockid_t clock, const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pthread_cond_clockwait(condition, mutex, clock, time);
        const CancellationPoint point;
        if (time->tv_nsec < 0 || time->tv_nsec >= 1'000'000'000) return EINVAL;
        if (is_shared(condition)) {
            return wait_outside([&] { return real().pthread_cond_clockwait(condition, mutex, clock, time); },
                                mutex);
        }
        result = wait_in_order(condition, mutex, runtime().deadline_of(clock, *time));
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                             const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pthread_cond_timedwait(condition, mutex, time);
        const CancellationPoint point;
        if (time->tv_nsec < 0 || time->tv_nsec >= 1'000'000'000) return EINVAL;
        if (is_shared(condition)) {
            return wait_outside([&] { return real().pthread_cond_timedwait(condition, mutex, time); }, mutex);
        }
        result = wait_in_order(condition, mutex, runtime().deadline_of(clock_of(condition), *time));
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    const Entry entry;
    if (entry.ordered()) wake_in_order(condition, 1);
    return real().pthread_cond_signal(condition);
}

ESCAPEMENT_EXPORT int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    const Entry entry;
    if (entry.ordered()) wake_in_order(condition, INT_MAX);
    return real().pthread_cond_broadcast(condition);
}
