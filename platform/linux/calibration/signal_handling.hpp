#pragma once
// A signal is handled as long as one of these lives, and comes; what was there before is put back.

#include <csignal>

namespace escapement {

class SignalHandling {
  public:
    using Handler = void (*)(int, siginfo_t*, void*);
    SignalHandling(int signal, Handler handler) : signal_(signal) {
        struct sigaction action {};
        action.sa_sigaction = handler;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        sigaction(signal_, &action, &before_);
        unblock();
    }
    /// For one that somebody else has installed, who was told what was `before`.
    SignalHandling(int signal, const struct sigaction& before) : signal_(signal), before_(before) {
        unblock();
    }
    ~SignalHandling() {
        pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        sigaction(signal_, &before_, nullptr);
    }
    SignalHandling(const SignalHandling&) = delete;
    SignalHandling& operator=(const SignalHandling&) = delete;

  private:
    void unblock() {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal_);
        pthread_sigmask(SIG_UNBLOCK, &set, &mask_before_);
    }
    int signal_;
    struct sigaction before_ {};
    sigset_t mask_before_{};
};

}  // namespace escapement
