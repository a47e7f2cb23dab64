#include "mutexes.hpp"

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "timespecs.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>

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

namespace {

/// glibc's trylock keeps a mutex that is beyond recovery for itself while it says so; its lock does not.
/// Source: glibc, nptl/pthread_mutex_trylock.c; nptl/pthreadP.h (PTHREAD_MUTEX_NOTRECOVERABLE).
int try_real_mutex(pthread_mutex_t* mutex) {
    const bool robust = (mutex->__data.__kind & 16) != 0;
    if (robust && __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == INT_MAX - 1)
        return ENOTRECOVERABLE;
    return real().pthread_mutex_trylock(mutex);
}

/// True if the thread that has the real mutex has left the order and is about to end: a robust mutex is
/// passed on by the kernel then. Source: glibc, nptl/pthreadP.h (PTHREAD_MUTEX_ROBUST_NORMAL_NP);
/// set_robust_list(2).
bool owner_is_ending(const pthread_mutex_t* mutex) {
    if ((mutex->__data.__kind & 16) == 0) return false;
    const auto owner = static_cast<pid_t>(
        static_cast<unsigned>(__atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED)) & FUTEX_TID_MASK);
    if (owner == 0) return true;  // it has ended since the mutex was tried
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        if ((state == State::exited || state == State::released) &&
            domain.seat(number).thread_id.load(std::memory_order_relaxed) == owner)
            return true;
    }
    return false;
}

/// Of a mutex that the order has given to the caller. A dead owner is waited for, not taken for a living one:
/// the kernel is about to pass the mutex on, and when it does must not be seen.
int try_given_mutex(pthread_mutex_t* mutex) {
    const int result = try_real_mutex(mutex);
    return result == EBUSY && owner_is_ending(mutex) ? real().pthread_mutex_lock(mutex) : result;
}

int lock_outside(pthread_mutex_t* mutex, Nanoseconds deadline) {
    if (deadline == no_deadline) return real().pthread_mutex_lock(mutex);
    timespec until{};
    real().clock_gettime(CLOCK_MONOTONIC, &until);
    const Nanoseconds at =
        nanoseconds(until) + std::max<Nanoseconds>(deadline - runtime().now_unordered(), 0);
    until = timespec_of(at);
    return real().pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

}  // namespace

int take_real_mutex(pthread_mutex_t* mutex, Nanoseconds deadline) {
    const int result = try_given_mutex(mutex);
    if (result != EBUSY) return result;
    // Held by somebody who does not take part: another process, a thread from before, a signal handler's
    // owner.
    const Outside outside("a mutex held by a stranger");
    return lock_outside(mutex, deadline);
}

void release_robust_mutexes() {
    robust_list_head* head = nullptr;
    std::size_t size = 0;
    if (real().syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head == nullptr) return;
    for (robust_list* each = head->list.next; each != &head->list;) {
        // Bit 0 tells of priority inheritance.
        const std::uintptr_t entry = reinterpret_cast<std::uintptr_t>(each) & ~std::uintptr_t{1};
        const auto mutex = entry + static_cast<std::uintptr_t>(head->futex_offset);
        while (runtime().order().unlock(mutex)) {  // as often as it was locked
        }
        each = reinterpret_cast<robust_list*>(entry)->next;
    }
}

namespace {

constexpr int not_anew = -1;

/// The order holds for locked what the program has made anew without unlocking it (in a child process, in
/// memory used for something else before), or what a thread that has ended leaves to the next. The real mutex
/// knows better: only the caller runs, so if it can be had it is free. Returns what pthread_mutex_trylock(3)
/// would, or `not_anew`.
int take_if_made_anew(Order& order, pthread_mutex_t* mutex) {
    const int result = try_real_mutex(mutex);
    if (result == ENOTRECOVERABLE) return result;
    if (result != 0 && result != EOWNERDEAD) return not_anew;
    order.forget(key_of(mutex));
    return order.try_lock(key_of(mutex)) ? result : not_anew;
}

}  // namespace

int lock_in_order(Runtime& runtime, pthread_mutex_t* mutex, Nanoseconds deadline) {
    const ObjectKey key = key_of(mutex);
    Order& order = runtime.order();
    if (!order.try_lock(key, is_recursive(mutex))) {
        if (const int taken = take_if_made_anew(order, mutex); taken != not_anew) return taken;
        if (type_of(mutex) == PTHREAD_MUTEX_ERRORCHECK && order.holder(key) == thread_state.number)
            return EDEADLK;
        if (!order.lock(key, false, deadline) && runtime.pass_turn() == Wakeup::timed_out) return ETIMEDOUT;
    }
    const int result = take_real_mutex(mutex, deadline);
    if (result != 0 && result != EOWNERDEAD) order.unlock(key);
    return result;
}

int unlock_in_order(Runtime& runtime, pthread_mutex_t* mutex) {
    const int result = real().pthread_mutex_unlock(mutex);
    // A normal mutex may be unlocked by another than its owner: no promise of POSIX, but so it works.
    if (result == 0 && !runtime.order().unlock(key_of(mutex))) runtime.order().forget(key_of(mutex));
    return result;
}

namespace {

int timed_lock(pthread_mutex_t* mutex, clockid_t clock, const timespec* time) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::lock, mutex, qemu_before_lock(domain, mutex));
    return lock_in_order(domain, mutex, domain.deadline_of(clock, *time));
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::OperationKind;

ESCAPEMENT_EXPORT int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_lock(mutex);
    Runtime& domain = runtime();
    domain.operation(OperationKind::lock, mutex, qemu_before_lock(domain, mutex));
    return lock_in_order(domain, mutex, escapement::no_deadline);
}

ESCAPEMENT_EXPORT int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_mutex_trylock(mutex);
    Runtime& domain = runtime();
    domain.operation(OperationKind::try_lock, mutex, qemu_before_lock(domain, mutex));
    const auto key = key_of(mutex);
    if (!domain.order().try_lock(key, is_recursive(mutex))) {
        const int taken = take_if_made_anew(domain.order(), mutex);
        return taken != not_anew ? taken : EBUSY;
    }
    const int result = try_given_mutex(mutex);
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
