#pragma once
// Signal handlers.

#include <csignal>

namespace cases {

/// All other signals wait while it runs.
inline void handle_by(int signal, void (*handler)(int), int flags = 0) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

}  // namespace cases
