// syscall(2), for the sake of SYS_futex: QEMU's events, GLib's locks and C++'s static initialisers wait by
// it. Also getrandom, and exit_group, with which qemu-user ends.

#include "randomness.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>

namespace escapement::preload {

namespace {

struct FutexCall {
    std::uint32_t* word;
    int operation;
    std::uint32_t value;
    const timespec* timeout;  // or, to requeue, a count
    std::uint32_t* other;
    std::uint32_t value3;
};

long failure(int error) {
    errno = error;
    return -1;
}

long wait_in_order(const FutexCall& call, bool absolute) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wait, call.word);
    if (__atomic_load_n(call.word, __ATOMIC_SEQ_CST) != call.value) return failure(EAGAIN);
    Nanoseconds deadline = no_deadline;
    if (call.timeout != nullptr) {
        const clockid_t clock =
            (call.operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        deadline = absolute ? domain.deadline_of(clock, *call.timeout) : domain.deadline_in(*call.timeout);
    }
    domain.order().wait(key_of(call.word), "futex", deadline);
    if (domain.pass_turn() == Wakeup::timed_out) return failure(ETIMEDOUT);
    return 0;
}

/// Wakes in the order first, then whoever waits outside it.
long wake_in_order(const FutexCall& call) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::wake, call.word, false);
    const auto woken = static_cast<std::uint32_t>(domain.order().wake(key_of(call.word), call.value));
    if (woken >= call.value) return woken;
    const long strangers = real().syscall(SYS_futex, call.word, call.operation, call.value - woken, nullptr,
                                          nullptr, call.value3);
    return strangers < 0 ? woken : woken + strangers;
}

long requeue_in_order(const FutexCall& call) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::requeue, call.word, false);
    const auto move = static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(call.timeout));
    if ((call.operation & FUTEX_CMD_MASK) == FUTEX_CMP_REQUEUE &&
        __atomic_load_n(call.word, __ATOMIC_SEQ_CST) != call.value3) {
        return failure(EAGAIN);
    }
    return static_cast<long>(domain.order().requeue(key_of(call.word), call.value, key_of(call.other), move));
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::OperationKind;

// NOLINTNEXTLINE(cert-dcl50-cpp): this is how syscall(2) is declared
ESCAPEMENT_EXPORT long syscall(long number, ...) noexcept {
    va_list list;
    va_start(list, number);
    long a[6];
    for (long& each : a)
        each = va_arg(list, long);
    va_end(list);
    if (number == SYS_exit_group) _exit(static_cast<int>(a[0]));
    const auto pass = [&] { return real().syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]); };
    if (number != SYS_futex && number != SYS_getrandom) return pass();
    const Entry entry;
    if (!entry.ordered()) return pass();
    if (number == SYS_getrandom) {
        runtime().operation(OperationKind::random, nullptr);
        fill_randomly(reinterpret_cast<void*>(a[0]), static_cast<std::size_t>(a[1]));
        return a[1];
    }
    const FutexCall call{reinterpret_cast<std::uint32_t*>(a[0]), static_cast<int>(a[1]),
                         static_cast<std::uint32_t>(a[2]),       reinterpret_cast<const timespec*>(a[3]),
                         reinterpret_cast<std::uint32_t*>(a[4]), static_cast<std::uint32_t>(a[5])};
    switch (call.operation & FUTEX_CMD_MASK) {
        case FUTEX_WAIT:
            return wait_in_order(call, false);
        case FUTEX_WAIT_BITSET:
            return wait_in_order(call, true);
        case FUTEX_WAKE:
        case FUTEX_WAKE_BITSET:
            return wake_in_order(call);
        case FUTEX_REQUEUE:
        case FUTEX_CMP_REQUEUE:
            return requeue_in_order(call);
        default: {
            // Priority inheritance and the like: the kernel's own order.
            const Outside outside("a futex of the kernel's own order");
            return pass();
        }
    }
}
