// Reader-writer locks, spin locks, barriers and once: the real thing is tried, and whoever fails waits in the
// order until somebody has changed it.

#include "real.hpp"
#include "runtime.hpp"

#include <cerrno>
#include <climits>
#include <cstring>

namespace escapement::preload {

namespace {

/// `attempt` returns 0 for done, EBUSY for not yet, anything else as an error for the caller.
template <typename Attempt>
int try_until_done(const volatile void* object, const char* what, Nanoseconds deadline, Attempt attempt) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::lock, object);
    for (;;) {
        const int result = attempt();
        if (result != EBUSY) return result;
        domain.order().wait(key_of(object), what, deadline);
        if (domain.pass_turn() == Wakeup::timed_out) return ETIMEDOUT;
    }
}

/// Memory that other processes share: they unlock it without telling the order. Source: glibc,
/// sysdeps/nptl/bits/struct_rwlock.h.
bool is_shared(const pthread_rwlock_t* lock) {
    return lock->__data.__shared != 0;
}

/// glibc tells who asks for what it has for writing itself.
bool is_writer(const pthread_rwlock_t* lock) {
    return lock->__data.__cur_writer == runtime().my_seat().thread_id.load(std::memory_order_relaxed);
}

/// `attempt` as for try_until_done; `wait` is the real call, for locks shared with other processes.
template <typename Attempt, typename Wait>
int lock_rwlock(pthread_rwlock_t* lock, const char* what, Nanoseconds deadline, Attempt attempt, Wait wait) {
    if (is_writer(lock)) return EDEADLK;
    if (!is_shared(lock)) return try_until_done(lock, what, deadline, attempt);
    runtime().operation(OperationKind::lock, lock);
    if (const int result = attempt(); result != EBUSY) return result;
    const Outside outside("a lock shared with other processes");
    return wait();
}

void wake_all(const volatile void* object) {
    runtime().order().wake(key_of(object), INT_MAX);
}

// Source: glibc, nptl/pthread_once.c: bit 0, somebody is at it; bit 1, done.
constexpr int once_in_progress = 1;
constexpr int once_done = 2;

// Source: glibc, sysdeps/nptl/internaltypes.h (struct pthread_barrier): in, current_round, count, shared.
struct BarrierWords {
    unsigned in;
    unsigned round;
    unsigned count;
    int shared;

    explicit BarrierWords(const pthread_barrier_t* barrier) { std::memcpy(this, barrier, sizeof *this); }
};

unsigned count_of(const pthread_barrier_t* barrier) {
    return BarrierWords(barrier).count;
}

bool is_shared(const pthread_barrier_t* barrier) {
    return BarrierWords(barrier).shared != 0;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::no_deadline;
using escapement::OperationKind;

ESCAPEMENT_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_rwlock_rdlock(lock);
    return lock_rwlock(
        lock, "read lock", no_deadline, [&] { return real().pthread_rwlock_tryrdlock(lock); },
        [&] { return real().pthread_rwlock_rdlock(lock); });
}

ESCAPEMENT_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock,
                                                 const timespec* time) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_rwlock_clockrdlock(lock, clock, time);
    return lock_rwlock(
        lock, "read lock", runtime().deadline_of(clock, *time),
        [&] { return real().pthread_rwlock_tryrdlock(lock); },
        [&] { return real().pthread_rwlock_clockrdlock(lock, clock, time); });
}

ESCAPEMENT_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* time) noexcept {
    return pthread_rwlock_clockrdlock(lock, CLOCK_REALTIME, time);
}

ESCAPEMENT_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_rwlock_wrlock(lock);
    return lock_rwlock(
        lock, "write lock", no_deadline, [&] { return real().pthread_rwlock_trywrlock(lock); },
        [&] { return real().pthread_rwlock_wrlock(lock); });
}

ESCAPEMENT_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock,
                                                 const timespec* time) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_rwlock_clockwrlock(lock, clock, time);
    return lock_rwlock(
        lock, "write lock", runtime().deadline_of(clock, *time),
        [&] { return real().pthread_rwlock_trywrlock(lock); },
        [&] { return real().pthread_rwlock_clockwrlock(lock, clock, time); });
}

ESCAPEMENT_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* time) noexcept {
    return pthread_rwlock_clockwrlock(lock, CLOCK_REALTIME, time);
}

ESCAPEMENT_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
    const Entry entry;
    if (entry.ordered()) runtime().operation(OperationKind::try_lock, lock);
    return real().pthread_rwlock_tryrdlock(lock);
}

ESCAPEMENT_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
    const Entry entry;
    if (entry.ordered()) runtime().operation(OperationKind::try_lock, lock);
    return real().pthread_rwlock_trywrlock(lock);
}

ESCAPEMENT_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
    const Entry entry;
    const int result = real().pthread_rwlock_unlock(lock);
    if (entry.ordered()) wake_all(lock);
    return result;
}

// Spin locks do not know whether other processes share them, so the order knows who of its own has one: what
// is free there and still taken is a stranger's.

ESCAPEMENT_EXPORT int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_spin_lock(lock);
    Runtime& domain = runtime();
    domain.operation(OperationKind::lock, lock);
    const auto key = key_of(lock);
    if (!domain.order().try_lock(key)) {
        if (real().pthread_spin_trylock(lock) == 0) {  // made anew, or unlocked by another than its owner
            domain.order().forget(key);
            return domain.order().try_lock(key) ? 0 : EBUSY;
        }
        if (!domain.order().lock(key)) domain.pass_turn();
    }
    if (real().pthread_spin_trylock(lock) == 0) return 0;
    const Outside outside("a spin lock of another process");
    return real().pthread_spin_lock(lock);
}

ESCAPEMENT_EXPORT int pthread_spin_trylock(pthread_spinlock_t* lock) noexcept {
    const Entry entry;
    if (entry.ordered()) runtime().operation(OperationKind::try_lock, lock);
    const int result = real().pthread_spin_trylock(lock);
    if (result != 0 || !entry.ordered()) return result;
    escapement::Order& order = runtime().order();
    order.forget(key_of(lock));
    return order.try_lock(key_of(lock)) ? 0 : EBUSY;
}

ESCAPEMENT_EXPORT int pthread_spin_unlock(pthread_spinlock_t* lock) noexcept {
    const Entry entry;
    const int result = real().pthread_spin_unlock(lock);
    if (entry.ordered() && !runtime().order().unlock(key_of(lock))) runtime().order().forget(key_of(lock));
    return result;
}

ESCAPEMENT_EXPORT int pthread_barrier_wait(pthread_barrier_t* barrier) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_barrier_wait(barrier);
    Runtime& domain = runtime();
    domain.operation(OperationKind::barrier, barrier);
    if (is_shared(barrier)) {
        const Outside outside("a barrier shared with other processes");
        return real().pthread_barrier_wait(barrier);
    }
    unsigned here = 1;
    for (const escapement::Participant& each : domain.order().participants()) {
        if (each.state == escapement::State::waiting && each.object == key_of(barrier)) ++here;
    }
    if (here >= count_of(barrier)) {
        wake_all(barrier);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    domain.order().wait(key_of(barrier), "barrier");
    domain.pass_turn();
    return 0;
}

ESCAPEMENT_EXPORT int pthread_once(pthread_once_t* control, void (*routine)()) {
    if ((__atomic_load_n(control, __ATOMIC_ACQUIRE) & once_done) != 0) return 0;
    const Entry entry;
    if (!entry.ordered()) return real().pthread_once(control, routine);
    Runtime& domain = runtime();
    domain.operation(OperationKind::once, control);
    PollRequest request;
    request.once = control;
    while ((__atomic_load_n(control, __ATOMIC_ACQUIRE) & 3) == once_in_progress) {
        domain.my_seat().request = &request;
        domain.order().wait(key_of(control), "once");
        domain.pass_turn();
        domain.my_seat().request = nullptr;
    }
    // If the routine throws, or its thread is cancelled, what comes after it does not happen.
    thread_state.inside = 0;  // the routine is the program's
    const int result = real().pthread_once(control, routine);
    thread_state.inside = 1;
    wake_all(control);
    return result;
}
