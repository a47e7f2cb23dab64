// Processes: children begin a domain of their own, and the end of a process writes what it was asked to
// write.

#include "real.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "statistics.hpp"

#include <unistd.h>

using namespace escapement::preload;

ESCAPEMENT_EXPORT pid_t fork() noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().fork();
    Runtime& domain = runtime();
    domain.operation();
    const pid_t child = real().fork();
    if (child == 0) {
        domain.after_fork();
        install_own_handlers();
    }
    return child;
}

ESCAPEMENT_EXPORT void _exit(int status) {
    write_statistics();
    real()._exit(status);
    __builtin_unreachable();
}

ESCAPEMENT_EXPORT void _Exit(int status) {
    _exit(status);
}

namespace {
__attribute__((destructor)) void at_exit() {
    write_statistics();
}
}  // namespace
