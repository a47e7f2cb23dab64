#pragma once
// What the kernel does at each signal, asked without the C library.
//
// Sources: rt_sigaction(2); kernel, include/linux/signal_types.h (k_sigaction), include/linux/signal.h
// (SYNCHRONOUS_MASK).

#include <csignal>
#include <cstdint>

namespace escapement {

/// As the kernel has it: bit 0 is signal 1.
using SignalMask = std::uint64_t;

constexpr SignalMask mask_of(int signal) {
    return SignalMask{1} << (signal - 1);
}
/// The lowest signal in a mask that is not empty.
constexpr int lowest_of(SignalMask mask) {
    return __builtin_ctzll(mask) + 1;
}

/// Raised by the instruction that runs: blocking them ends the program.
constexpr SignalMask synchronous_signals =
    mask_of(SIGSEGV) | mask_of(SIGBUS) | mask_of(SIGFPE) | mask_of(SIGILL) | mask_of(SIGSYS);
constexpr SignalMask never_blocked = mask_of(SIGKILL) | mask_of(SIGSTOP);

struct SignalAction {
    std::uintptr_t handler = 0;  ///< or SIG_DFL or SIG_IGN, as a number
    unsigned long flags = 0;
    std::uintptr_t restorer = 0;
    SignalMask mask = 0;
    [[nodiscard]] bool has_handler() const { return handler > 1; }
};

/// The action of a signal. While its handler runs SIGTRAP must not be blocked, or a stop within it would come
/// late: it is taken out of the handler's mask for good.
SignalAction action_of(int signal);
/// Signals that have been sent to this thread, or to the process, and wait.
SignalMask pending_signals();

}  // namespace escapement
