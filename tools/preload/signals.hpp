#pragma once
// Signal handlers of the program, with ours before them.

#include <csignal>

namespace escapement::preload {

/// True if the program has installed a handler: then a semaphore may be posted at any time.
bool handlers_installed();

/// Installs the keeper's handler, and, where statistics are wanted, one that writes them before SIGTERM,
/// SIGINT or SIGHUP end the process as they would have.
void install_own_handlers();

/// True if `signal` asks the process to end.
inline bool is_termination(int signal) {
    return signal == SIGTERM || signal == SIGINT;
}

/// A signal mask for as long as it lives; none: as it is.
class TemporaryMask {
  public:
    explicit TemporaryMask(const sigset_t* mask);
    ~TemporaryMask();
    TemporaryMask(const TemporaryMask&) = delete;
    TemporaryMask& operator=(const TemporaryMask&) = delete;

  private:
    bool used_;
    sigset_t before_{};
};

/// True if the program has a handler for `signal`.
bool has_handler(int signal);
/// How often the handler of `signal` has run to its end where the signal came.
unsigned handled(int signal);

/// True if the calls that `signal` interrupts go on after its handler.
bool handler_restarts(int signal);
/// Runs the program's handler of `signal` on the calling thread, or does what the system does where it has
/// none.
void run_handler(int signal, siginfo_t& information);

/// Ends the process by `signal`, as if nobody handled it.
[[noreturn]] void end_by_signal(int signal);

}  // namespace escapement::preload
