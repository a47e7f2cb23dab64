#include "mutexes.hpp"

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <cerrno>

namespace escapement::preload {

namespace {

// The type is not to be had by a function. Source: glibc, nptl/pthreadP.h (PTHREAD_MUTEX_KIND_MASK_NP).
int type_of(const pthread_mutex_t* mutex) {
    return mutex->__data.__kind & 3;
}

bool is_recursive(const pthread_mutex_t* mutex) {
    return type_of(mutex) == PTHREAD_MUTEX_RECURSIVE;
}

}  // namespace

int take_real_mutex(pthread_mutex_t* mutex) {
    int result = real().pthread_mutex_trylock(mutex);
    if (result == EBUSY) {
        // Held by somebody who does not take part: another process, a thread from before, a signal handler's
        // owner.
        const Outside outside("a mutex held by a stranger");
        result = real().pthread_mutex_lock(mutex);
    }
    return result;
}

namespace {

/// The order holds for locked what the program has made anew without unlocking it (in a child process, in
/// memory used for something else before). The real mutex knows better: only the caller runs, so if it can be
/// had it is free.
bool take_if_made_anew(Order& order, pthread_mutex_t* mutex) {
    if (real().pthread_mutex_trylock(mutex) != 0) return false;
    order.forget(key_of(mutex));
    return order.try_lock(key_of(mutex));
}

}  // namespace

int lock_in_order(Runtime& runtime, pthread_mutex_t* mutex, Nanoseconds deadline) {
    const ObjectKey key = key_of(mutex);
    Order& order = runtime.order();
    if (!order.try_lock(key, is_recursive(mutex))) {
        if (take_if_made_anew(order, mutex)) return 0;
        if (type_of(mutex) == PTHREAD_MUTEX_ERRORCHECK && order.holder(key) == thread_state.number)
            return EDEADLK;
        if (!order.lock(key, false, deadline) && runtime.pass_turn() == Wakeup::timed_out) return ETIMEDOUT;
    }
    const int result = take_real_mutex(mutex);
    if (result != 0 && result != EOWNERDEAD) order.unlock(key);
    return result;
}

int unlock_in_order(Runtime& runtime, pthread_mutex_t* mutex) {
    const int result = real().pthread_mutex_unlock(mutex);
    if (result == 0) runtime.order().unlock(key_of(mutex));
    return result;
}

namespace {

int timed_lock(pthread_mutex_t* mutex, clockid_t clock, const timespec* time) {
    Runtime& domain = runtime();
    domain.operation(qemu_before_lock(domain, mutex));
    return lock_in_order(domain, mutex, domain.deadline_of(clock, *time));
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_lock(mutex);
    Runtime& domain = runtime();
    domain.operation(qemu_before_lock(domain, mutex));
    return lock_in_order(domain, mutex, escapement::no_deadline);
}

ESCAPEMENT_EXPORT int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_trylock(mutex);
    Runtime& domain = runtime();
    domain.operation(qemu_before_lock(domain, mutex));
    const auto key = key_of(mutex);
    if (!domain.order().try_lock(key, is_recursive(mutex))) return EBUSY;
    const int result = real().pthread_mutex_trylock(mutex);
    if (result != 0 && result != EOWNERDEAD) domain.order().unlock(key);
    return result;
}

ESCAPEMENT_EXPORT int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* time) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_timedlock(mutex, time);
    return timed_lock(mutex, CLOCK_REALTIME, time);
}

ESCAPEMENT_EXPORT int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                              const timespec* time) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_clocklock(mutex, clock, time);
    return timed_lock(mutex, clock, time);
}

ESCAPEMENT_EXPORT int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_unlock(mutex);
    qemu_before_unlock(mutex);
    return unlock_in_order(runtime(), mutex);
}
