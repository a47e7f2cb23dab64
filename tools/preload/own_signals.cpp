// Signals that the program sends itself. Their handlers run at once, on threads that wait for their turn, and
// the sender, who has it, goes on when they have run: else it would be the host's choice what it finds done,
// and when a wait that they end is seen to have ended.

#include "real.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "thread_status.hpp"
#include "threads.hpp"
#include "waiting_handlers.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace escapement::preload {

namespace {

constexpr unsigned glances = 50;  ///< before a look at what the threads do, which takes longer
constexpr std::int64_t longest_ns = 1'000'000'000;  ///< however busy the host is

/// True if a thread that `signal` may have been for is about to do something: sending makes it runnable. Who
/// sleeps has blocked it, or waits for something in its handler.
bool anybody_stirs(ParticipantNumber target) {
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        if (number == thread_state.number || (target != nobody && number != target) ||
            state == State::exited || state == State::released || state == State::outside)
            continue;
        if (sleep_of(domain.seat(number).thread_id.load(std::memory_order_relaxed)) != Sleep::yes)
            return true;
    }
    return false;
}

void await_handler(int signal, unsigned handled_before, ParticipantNumber target) {
    const std::int64_t began = runtime().host_ns();
    for (unsigned look = 0; handled(signal) == handled_before; ++look) {
        if (look < glances) {
            real().sched_yield();
            continue;
        }
        if (!anybody_stirs(target) || runtime().host_ns() - began > longest_ns) return;
        const timespec pause{.tv_sec = 0, .tv_nsec = 20'000};
        real().syscall(SYS_nanosleep, &pause, nullptr);
    }
}

/// `send`, for `target` or, if that is nobody, whichever thread the kernel chooses.
template <typename Send>
int send_in_order(int signal, ParticipantNumber target, Send send) {
    const unsigned before = handled(signal);
    thread_state.inside = 0;  // a handler on the caller's own thread is the program's code
    const int result = send();
    thread_state.inside = 1;
    const int saved = errno;
    if (has_handler(signal)) {
        if (handled(signal) == before) await_handler(signal, before, target);
        suspend_waiting_handlers();
    }
    errno = saved;
    return result;
}

bool is_ordered(const Entry& entry, int signal) {
    return entry.ordered() && signal > 0;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::nobody;
using escapement::ParticipantNumber;

ESCAPEMENT_EXPORT int kill(pid_t process, int signal) noexcept {
    if (process != getpid()) return real().kill(process, signal);
    const Entry entry;
    if (!is_ordered(entry, signal)) return real().kill(process, signal);
    return send_in_order(signal, nobody, [&] { return real().kill(process, signal); });
}

ESCAPEMENT_EXPORT int sigqueue(pid_t process, int signal, const sigval value) noexcept {
    if (process != getpid()) return real().sigqueue(process, signal, value);
    const Entry entry;
    if (!is_ordered(entry, signal)) return real().sigqueue(process, signal, value);
    return send_in_order(signal, nobody, [&] { return real().sigqueue(process, signal, value); });
}

namespace {
template <typename Send>
int send_to_thread(pthread_t thread, int signal, Send send) {
    if (pthread_equal(thread, pthread_self()) != 0) return send();
    const Entry entry;
    if (!is_ordered(entry, signal)) return send();
    const ParticipantNumber target = participant_of(thread);
    return target == nobody ? send() : send_in_order(signal, target, send);
}
}  // namespace

ESCAPEMENT_EXPORT int pthread_kill(pthread_t thread, int signal) noexcept {
    return send_to_thread(thread, signal, [&] { return real().pthread_kill(thread, signal); });
}

ESCAPEMENT_EXPORT int pthread_sigqueue(pthread_t thread, int signal, const sigval value) noexcept {
    return send_to_thread(thread, signal, [&] { return real().pthread_sigqueue(thread, signal, value); });
}
