#include "signal_timers.hpp"

#include "kept_signals.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "thread_status.hpp"
#include "timer_calls.hpp"
#include "timers.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace escapement::preload {

namespace {

// The first is setitimer's, and always there. The kernel's own are known by small numbers, the C library's by
// negative ones. Belongs to the turn.
constexpr std::size_t most_timers = 257;
constexpr std::intptr_t first_identity = 1 << 24;
SignalTimer timers[most_timers];

// Of those that fire one after another without an operation between: handlers are all that runs, and help
// nobody.
constexpr unsigned most_in_vain = 1000;
unsigned in_vain = 0;
std::uint64_t heartbeat_at_last = 0;

std::intptr_t identity_of(const SignalTimer& timer) {
    return first_identity + (&timer - timers);
}

SignalTimer* find_timer(std::intptr_t identity) {
    const std::intptr_t index = identity - first_identity;
    if (index <= 0 || index >= static_cast<std::intptr_t>(most_timers) || !timers[index].exists)
        return nullptr;
    return &timers[index];
}

siginfo_t information_of(const SignalTimer& timer) {
    siginfo_t information{};
    information.si_signo = timer.signal;
    if (&timer == &interval_timer()) {
        information.si_code = SI_KERNEL;
        return information;
    }
    information.si_code = SI_TIMER;
    information.si_timerid = static_cast<int>(identity_of(timer));
    information.si_value = timer.value;
    return information;
}

/// True if `thread`, of participant `number`, blocks the timer's signal.
bool is_blocked(const SignalTimer& timer, ParticipantNumber number, pid_t thread) {
    // While it is stepped all is blocked, whatever the program's mask is.
    if (counting && thread_state.interrupted && number == thread_state.number) return false;
    return blocks(thread, timer.signal);
}

/// The one whose handler it is: the first that does not block the signal, as the kernel begins with the
/// first.
ParticipantNumber target_of(const SignalTimer& timer) {
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        const pid_t thread = domain.seat(number).thread_id.load(std::memory_order_relaxed);
        if (state == State::exited || state == State::released || thread == 0) continue;
        if (timer.notify == SIGEV_THREAD_ID && thread != timer.thread) continue;
        if (!is_blocked(timer, number, thread)) return number;
    }
    return nobody;
}

bool on_the_way(const SignalTimer& timer) {
    if (!timer.sent || !timer.with_kernel) return timer.sent;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, timer.signal);
    return has_pending(timer.notify == SIGEV_THREAD_ID ? timer.thread : gettid(), set);
}

void send(SignalTimer& timer) {
    siginfo_t information = information_of(timer);
    const ParticipantNumber target = target_of(timer);
    const bool here = thread_state.interrupted && target == thread_state.number;
    timer.sent = true;
    timer.with_kernel = target == nobody || here;
    if (!timer.with_kernel) return keep_signal(timer.signal, information, target);
    const int saved = errno;
    if (here) {
        // Where the caller's code was interrupted: it comes when our own handler, which blocks it, is over.
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, timer.signal);
        real().pthread_sigmask(SIG_BLOCK, &set, nullptr);
    }
    if (here || timer.notify == SIGEV_THREAD_ID) {
        real().syscall(SYS_rt_tgsigqueueinfo, getpid(), here ? gettid() : timer.thread, timer.signal,
                       &information);
    } else {
        real().syscall(SYS_rt_sigqueueinfo, getpid(), timer.signal, &information);
    }
    errno = saved;
}

int as_overrun(std::uint64_t missed) {
    return static_cast<int>(std::min<std::uint64_t>(missed, INT_MAX));
}

void fire(SignalTimer& timer, Nanoseconds now) {
    const std::uint64_t times = pass(timer.expiry, now);
    if (timer.notify == SIGEV_NONE) return;
    if (timer.notify == SIGEV_THREAD) {
        timer.overrun = as_overrun(times - 1);
        ++timer.calls;
        want_timer_call();
    } else if (on_the_way(timer)) {
        timer.missed += times;
    } else {
        timer.missed = times - 1;
        send(timer);
    }
}

}  // namespace

SignalTimer& interval_timer() {
    return timers[0];
}

SignalTimer* make_timer(const SignalTimer& timer) {
    SignalTimer* const found =
        std::find_if(timers + 1, timers + most_timers, [](const SignalTimer& each) { return !each.exists; });
    if (found == timers + most_timers) return nullptr;
    *found = timer;
    found->exists = true;
    return found;
}

void delete_timer(SignalTimer& timer) {
    timer = {};
    schedule_timers();
}

timer_t handle_of(const SignalTimer& timer) {
    return reinterpret_cast<timer_t>(identity_of(timer));
}

SignalTimer* find_timer(timer_t handle) {
    return find_timer(reinterpret_cast<std::intptr_t>(handle));
}

SignalTimer* find_timer_with_calls() {
    SignalTimer* const found =
        std::find_if(timers, timers + most_timers, [](const SignalTimer& each) { return each.calls != 0; });
    return found != timers + most_timers ? found : nullptr;
}

int arm(SignalTimer& timer, const Expiry& expiry) {
    timer.expiry = expiry;
    keeps_signals = true;
    fire_timers(runtime().now());
    // Who computes without an operation lets no time pass: the keeper sees that.
    return expiry.deadline == no_deadline ? 0 : runtime().start_keeper();
}

void fire_signal_timers(Nanoseconds now) {
    for (SignalTimer& timer : timers) {
        if (timer.expiry.deadline > now) continue;
        const std::uint64_t heartbeat = runtime().heartbeat();
        in_vain = heartbeat == heartbeat_at_last ? in_vain + 1 : 0;
        heartbeat_at_last = heartbeat;
        fire(timer, now);
    }
}

Nanoseconds next_signal_timer() {
    Nanoseconds next = no_deadline;
    for (const SignalTimer& timer : timers)
        next = std::min(next, timer.expiry.deadline);
    return next;
}

bool signal_timers_may_help() {
    return in_vain < most_in_vain && next_signal_timer() != no_deadline;
}

void forget_signal_timers() {
    std::fill(timers, timers + most_timers, SignalTimer{});
    forget_timer_calls();
}

bool is_timer_signal(int signal, const siginfo_t& information) {
    if (information.si_code == SI_TIMER) return information.si_timerid >= first_identity;
    return signal == SIGALRM && information.si_code == SI_KERNEL && runtime().settings().virtual_time;
}

void note_timer_signal(int signal, siginfo_t& information) {
    if (!is_timer_signal(signal, information)) return;
    const bool numbered = information.si_code == SI_TIMER;
    SignalTimer* const timer =
        numbered ? find_timer(std::intptr_t{information.si_timerid}) : &interval_timer();
    if (timer == nullptr) return;
    timer->overrun = as_overrun(timer->missed);
    timer->missed = 0;
    timer->sent = false;
    if (numbered) information.si_overrun = timer->overrun;
}

}  // namespace escapement::preload
