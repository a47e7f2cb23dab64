// Semaphores. They can be posted by signal handlers, and, if shared, by other processes.

#include "real.hpp"
#include "runtime.hpp"

#include <cerrno>
#include <cstring>

namespace escapement::preload {

namespace {

// Source: glibc, sysdeps/nptl/internaltypes.h (struct new_sem, 64 bits): the word after the value; 0 is
// private.
bool is_shared(const sem_t* semaphore) {
    int word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(semaphore) + 8, sizeof word);
    return word != 0;
}

int failure(int error) {
    errno = error;
    return -1;
}

int wait_in_order(sem_t* semaphore, Nanoseconds deadline) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wait, semaphore);
    Seat& seat = domain.my_seat();
    domain.expect_signals();
    const int saved = errno;
    // A handler may post it at any time, on a thread without the turn: whoever decides looks at its value,
    // too.
    PollRequest request{.semaphore = semaphore};
    for (;;) {
        if (real().sem_trywait(semaphore) == 0) {
            errno = saved;
            return 0;
        }
        if (errno != EAGAIN) return -1;
        seat.request = &request;
        seat.interruptible = true;
        domain.order().wait(key_of(semaphore), "semaphore", deadline);
        const Wakeup wakeup = domain.pass_turn();
        seat.request = nullptr;
        seat.interruptible = false;
        if (keeps_signals) [[unlikely]]
            take_signals_after_wait();
        if (wakeup == Wakeup::timed_out) return failure(ETIMEDOUT);
        seat.signalled.store(false, std::memory_order_relaxed);
        const bool ends = seat.interrupted.load(std::memory_order_relaxed) || seat.cancellation_wanted();
        if (int value = 0; ends && sem_getvalue(semaphore, &value) == 0 && value <= 0) return failure(EINTR);
    }
}

template <typename Real>
int wait_anyhow(sem_t* semaphore, Nanoseconds deadline, Real wait_really) {
    if (!is_shared(semaphore)) return wait_in_order(semaphore, deadline);
    runtime().operation(OperationKind::wait, semaphore);
    if (real().sem_trywait(semaphore) == 0) return 0;
    const Outside outside("a semaphore shared with other processes");
    return wait_really();
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::OperationKind;

ESCAPEMENT_EXPORT int sem_wait(sem_t* semaphore) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().sem_wait(semaphore);
        const CancellationPoint point;
        result = wait_anyhow(semaphore, escapement::no_deadline, [&] { return real().sem_wait(semaphore); });
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().sem_clockwait(semaphore, clock, time);
        const CancellationPoint point;
        result = wait_anyhow(semaphore, runtime().deadline_of(clock, *time),
                             [&] { return real().sem_clockwait(semaphore, clock, time); });
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int sem_timedwait(sem_t* semaphore, const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().sem_timedwait(semaphore, time);
        const CancellationPoint point;
        result = wait_anyhow(semaphore, runtime().deadline_of(CLOCK_REALTIME, *time),
                             [&] { return real().sem_timedwait(semaphore, time); });
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int sem_trywait(sem_t* semaphore) noexcept {
    const Entry entry;
    if (entry.ordered()) runtime().operation(OperationKind::try_lock, semaphore);
    return real().sem_trywait(semaphore);
}

ESCAPEMENT_EXPORT int sem_post(sem_t* semaphore) noexcept {
    const Entry entry;
    const int result = real().sem_post(semaphore);
    if (entry.ordered()) {
        runtime().operation(OperationKind::post, semaphore, false);
        runtime().order().wake(key_of(semaphore), 1);
    } else if (mode.load(std::memory_order_relaxed) == Mode::ordering) {
        runtime().kick_idler();
    }
    return result;
}
