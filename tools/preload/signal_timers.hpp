#pragma once
// Timers that signal (alarm(2), setitimer(2) of real time, timer_create(2)), by virtual time: when the
// order's clock passes a deadline, the signal is kept for a participant that does not block it, and its
// handler runs at the next place that every run has (kept_signals.hpp). Where all block it the kernel has
// it, for sigwait(3) and its like. Who computes without an operation is interrupted where its clock says so,
// if that counts what it does, or else by the keeper.
//
// All by the participant with the turn.

#include "expiry.hpp"

#include <csignal>
#include <cstdint>
#include <ctime>

namespace escapement::preload {

struct SignalTimer {
    // What its notification is of: SIGEV_SIGNAL and SIGEV_THREAD_ID a signal, SIGEV_THREAD a function.
    sigval value{};
    void (*function)(sigval) = nullptr;
    std::size_t stack_size = 0;  ///< of the thread that calls it; 0: as usual
    Expiry expiry;
    std::uint64_t missed = 0;  ///< expirations since its signal was sent
    int notify = SIGEV_SIGNAL;
    int signal = SIGALRM;
    pid_t thread = 0;  ///< of SIGEV_THREAD_ID
    clockid_t clock = CLOCK_MONOTONIC;
    int overrun = 0;     ///< of what came last
    unsigned calls = 0;  ///< of `function` to be begun
    bool exists = false;
    bool sent = false;         ///< its signal is on the way: it does not send another
    bool with_kernel = false;  ///< that one is the kernel's to bring
};

/// That of setitimer(2).
SignalTimer& interval_timer();
/// A new one; null if there are too many.
SignalTimer* make_timer(const SignalTimer& timer);
void delete_timer(SignalTimer& timer);
timer_t handle_of(const SignalTimer& timer);
/// Null if it is none of these.
SignalTimer* find_timer(timer_t handle);
/// One that has calls to be begun; null if there is none.
SignalTimer* find_timer_with_calls();

/// From now on it is due so. 0, or why it cannot be watched.
int arm(SignalTimer& timer, const Expiry& expiry);

/// Fires what is due at `now`.
void fire_signal_timers(Nanoseconds now);
/// When the next one is due.
[[nodiscard]] Nanoseconds next_signal_timer();
/// True if one runs and may let somebody go on who waits for something else: a handler may post or wake.
[[nodiscard]] bool signal_timers_may_help();
/// In a child process: there are none.
void forget_signal_timers();

/// True if one of these made it.
[[nodiscard]] bool is_timer_signal(int signal, const siginfo_t& information);
/// The program gets it now: it is told how many it missed, and the timer may signal again.
void note_timer_signal(int signal, siginfo_t& information);

// An alarm goes on when a process becomes another program (execve(2)): it is the kernel's on the way. What
// the way takes is the host's choice, so the next program gets it in whole seconds, as alarm(2) has them.
void leave_alarm_to_kernel();
void take_alarm_back();
/// That of the program that this process was.
void adopt_alarm();

}  // namespace escapement::preload
