// Processes: children begin a domain of their own, and the end of a process writes what it was asked to
// write.

#include "processes.hpp"

#include "real.hpp"
#include "recording.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "statistics.hpp"

#include <unistd.h>

#include <atomic>

namespace escapement::preload {

namespace {

std::atomic<pid_t> own_process{0};

/// Ours is the first handler to be registered, so it is the first to run in a child: those of the program may
/// already create threads and take locks there, in the child's own order.
void begin_child() {
    if (mode.load(std::memory_order_relaxed) != Mode::ordering || thread_state.number == nobody) return;
    own_process.store(getpid(), std::memory_order_relaxed);
    runtime().after_fork();
    install_own_handlers();
}

}  // namespace

void prepare_for_forks() {
    own_process.store(getpid(), std::memory_order_relaxed);
    // Before the fork: parent and child agree on the number, also where the C library forks by itself.
    pthread_atfork(count_child, nullptr, begin_child);
}

bool is_own_process() {
    return own_process.load(std::memory_order_relaxed) == getpid();
}

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::OperationKind;

ESCAPEMENT_EXPORT pid_t fork() noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().fork();
    runtime().operation(OperationKind::fork, nullptr);
    thread_state.inside = 0;  // the handlers of pthread_atfork(3) are the program's
    const pid_t child = real().fork();
    thread_state.inside = 1;
    return child;
}

ESCAPEMENT_EXPORT void _exit(int status) {
    if (is_own_process()) close_journal();
    write_statistics();
    real()._exit(status);
    __builtin_unreachable();
}

ESCAPEMENT_EXPORT void _Exit(int status) {
    _exit(status);
}

namespace {
__attribute__((destructor)) void at_exit() {
    if (is_own_process()) {
        const Entry entry;  // who ran outside comes back
        close_journal();
    }
    write_statistics();
}
}  // namespace
