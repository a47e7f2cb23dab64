// Waiting for signals. What the program sends itself is there when its sender goes on, so that such a wait
// ends at the same place every time; what the outside sends comes when it comes, and the run is marked.

#include "keeper.hpp"
#include "kept_signals.hpp"
#include "outside_input.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "signals.hpp"

#include <cerrno>
#include <csignal>

namespace escapement::preload {

namespace {

void note_outside_signal() {
    if (journaling == Journaling::replay) return;  // it came when the journal says
    runtime().add_incident({.participant = thread_state.number,
                            .reason = "was woken by a signal from outside, which came when the host let it"});
}

/// The real call, without waiting: a signal's number, 0 if there is none, -1 with errno.
int take_pending(const sigset_t& set, siginfo_t& information) {
    const timespec nothing{};
    const int result = outside_look(no_descriptor, &information, sizeof information, [&] {
        const int taken = real().sigtimedwait(&set, &information, &nothing);
        return taken < 0 && errno == EAGAIN ? 0 : taken;
    });
    if (journaling == Journaling::replay && result > 0) {
        // What the process sent itself it has sent again.
        sigset_t same;
        sigemptyset(&same);
        sigaddset(&same, result);
        siginfo_t again{};
        real().sigtimedwait(&same, &again, &nothing);
    }
    if (result > 0) note_timer_signal(result, information);
    return result;
}

int failure(int error) {
    errno = error;
    return -1;
}

/// sigtimedwait(2); `restarts`: a handler that runs meanwhile does not end it.
int take_in_order(const sigset_t& set, siginfo_t& information, Nanoseconds deadline, bool restarts) {
    Runtime& domain = runtime();
    const CancellationPoint point;
    PollRequest request{.signals = &set};
    for (bool in_time = true;;) {
        domain.expect_signals();
        const int result = take_pending(set, information);
        if (result > 0 && comes_from_outside(result, information)) note_outside_signal();
        if (result != 0) return result;
        if (!in_time) return failure(EAGAIN);
        bool signalled = false;
        in_time = domain.poll("a signal", request, deadline, signalled);
        if (domain.my_seat().cancellation_wanted() || (signalled && !restarts)) return failure(EINTR);
    }
}

int take_signal(const sigset_t& set, siginfo_t& information, const timespec* time, bool restarts) {
    runtime().operation(OperationKind::signal, nullptr, false);
    const bool looks = time != nullptr && time->tv_sec == 0 && time->tv_nsec == 0;
    if (looks) {
        const int result = take_pending(set, information);
        return result != 0 ? result : failure(EAGAIN);
    }
    return take_in_order(set, information, time == nullptr ? no_deadline : runtime().deadline_in(*time),
                         restarts);
}

/// The program took a signal by waiting for it.
void note_taken(int signal) {
    if (is_termination(signal) && mode.load(std::memory_order_relaxed) == Mode::ordering)
        note_termination(signal);
}

/// pause(2) or, with a mask, sigsuspend(2): until a handler has run.
int suspend_in_order(const sigset_t* mask) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::signal, nullptr, false);
    const CancellationPoint point;
    PollRequest request{.any_signal = true};
    domain.expect_signals();  // first: the mask may let in what has been waiting for it
    const TemporaryMask during(mask);
    bool signalled = false;
    while (!signalled && !domain.my_seat().cancellation_wanted())
        domain.poll("a signal's handler", request, no_deadline, signalled);
    if (domain.my_seat().from_outside.load(std::memory_order_relaxed)) note_outside_signal();
    return failure(EINTR);
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int sigwait(const sigset_t* set, int* signal) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().sigwait(set, signal);
        siginfo_t information{};
        result = take_signal(*set, information, nullptr, true);
    }
    pthread_testcancel();
    if (result < 0) return errno;
    note_taken(result);
    *signal = result;
    return 0;
}

ESCAPEMENT_EXPORT int sigtimedwait(const sigset_t* set, siginfo_t* information, const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().sigtimedwait(set, information, time);
        siginfo_t own{};
        result = take_signal(*set, information != nullptr ? *information : own, time, false);
    }
    pthread_testcancel();
    note_taken(result);
    return result;
}

ESCAPEMENT_EXPORT int sigwaitinfo(const sigset_t* set, siginfo_t* information) {
    return sigtimedwait(set, information, nullptr);
}

namespace {
template <typename Really>
int suspend(const sigset_t* mask, Really really) {
    {
        const Entry entry;
        if (!entry.ordered()) return really();
        suspend_in_order(mask);
    }
    pthread_testcancel();
    errno = EINTR;
    return -1;
}
}  // namespace

ESCAPEMENT_EXPORT int sigsuspend(const sigset_t* mask) {
    return suspend(mask, [mask] { return real().sigsuspend(mask); });
}

ESCAPEMENT_EXPORT int pause() {
    return suspend(nullptr, [] { return real().pause(); });
}
