#include "signals.hpp"

#include "counting.hpp"
#include "keeper.hpp"
#include "kept_signals.hpp"
#include "processes.hpp"
#include "real.hpp"
#include "recording.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "statistics.hpp"
#include "waiting_handlers.hpp"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

namespace escapement::preload {

namespace {

constexpr int most_signals = 65;

// The program's dispositions. Written by whoever calls sigaction(2), read by handlers: `has` publishes the
// rest (release and acquire), and an entry that a handler may be reading is replaced as sigaction(2) itself
// would, not atomically.
struct Disposition {
    struct sigaction action;
    std::atomic<bool> has;
};
Disposition dispositions[most_signals];
std::atomic<int> handler_count{0};
// Pairs with the acquire in handled(): who has seen it sees what the handler did.
std::atomic<unsigned> handled_count[most_signals];

constexpr int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

bool is_fault(int signal) {
    return std::find(std::begin(faults), std::end(faults), signal) != std::end(faults);
}

/// The program is about to crash: what the journal has is written. What ran into the fault does so again.
void let_crash(int signal) {
    flush_journal();
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    real().sigaction(signal, &action, nullptr);
}

void handle(int signal, siginfo_t* information, void* context) {
    const int saved = errno;
    if (is_termination(signal)) note_termination(signal);
    const bool ordering = mode.load(std::memory_order_relaxed) == Mode::ordering;
    if (ordering && journaling != Journaling::off) {
        if (is_fault(signal) && !dispositions[signal].has.load(std::memory_order_acquire))
            return let_crash(signal);
        if (comes_from_outside(signal, *information)) {
            keep_outside_signal(signal, *information);
            errno = saved;
            return;
        }
    }
    if (ordering) note_timer_signal(signal, *information);  // it was blocked when it was sent
    // On a thread that is parked or has just entered this library, what the handler calls must pass through.
    const bool was_inside = thread_state.inside != 0;
    const bool outside = thread_state.outside;
    const Disposition& disposition = dispositions[signal];
    if (ordering)
        runtime().note_signal((disposition.action.sa_flags & SA_RESTART) != 0,
                              comes_from_outside(signal, *information));
    if (outside) thread_state.inside = 1;
    const HandlerInside counted(ordering && was_inside);
    errno = saved;
    if (disposition.has.load(std::memory_order_acquire)) {
        if ((disposition.action.sa_flags & SA_SIGINFO) != 0) {
            disposition.action.sa_sigaction(signal, information, context);
        } else {
            disposition.action.sa_handler(signal);
        }
    } else {
        end_by_signal(signal);
    }
    // Also if the handler began something of its own here.
    thread_state.inside = was_inside ? 1 : 0;
    handled_count[signal].fetch_add(1, std::memory_order_release);
}

/// Ends the process after the statistics and the journal are written, where nobody handles it.
bool writes_first(int signal) {
    if (journaling != Journaling::off && is_fault(signal)) return true;
    return (runtime().settings().statistics != nullptr || journaling != Journaling::off) &&
           (signal == SIGTERM || signal == SIGINT || signal == SIGHUP);
}

bool is_handler(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 ||
           (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

/// What a program blocks is not to keep this library's own signals from coming.
sigset_t without_ours(const sigset_t& set) {
    sigset_t result = set;
    sigdelset(&result, keeper_signal);
    if (counting) {
        sigdelset(&result, SIGTRAP);
        sigdelset(&result, alarm_signal());
    }
    return result;
}

int install(int signal, const struct sigaction* action, struct sigaction* before) {
    if (signal <= 0 || signal >= most_signals || !is_own_process()) {
        return real().sigaction(signal, action, before);
    }
    Disposition& disposition = dispositions[signal];
    struct sigaction kernel_before {};
    if (action == nullptr) {
        if (real().sigaction(signal, nullptr, &kernel_before) != 0) return -1;
        if (before != nullptr) {
            *before = disposition.has.load(std::memory_order_acquire) ? disposition.action : kernel_before;
            if (before->sa_flags & SA_SIGINFO && before->sa_sigaction == handle) *before = {};
        }
        return 0;
    }
    const struct sigaction old = disposition.action;
    const bool had = disposition.has.load(std::memory_order_acquire);
    struct sigaction given = *action;
    if (signal == keeper_signal ||
        (counting && signal == alarm_signal())) {  // ours; it is told that it has it
        if (before != nullptr) *before = {};
        return 0;
    }
    if (is_handler(*action)) {
        disposition.action = *action;
        disposition.has.store(true, std::memory_order_release);
        if (!had) handler_count.fetch_add(1, std::memory_order_relaxed);
        given.sa_sigaction = handle;
        given.sa_flags |= SA_SIGINFO;
        given.sa_mask = without_ours(given.sa_mask);
    }
    const bool default_action = (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_DFL;
    if (default_action && writes_first(signal)) {
        given.sa_sigaction = handle;
        given.sa_flags = SA_SIGINFO | SA_RESTART;
    }
    if (counting && signal == SIGTRAP) {  // ours first: only the disposition is the program's
        disposition.has.store(is_handler(*action), std::memory_order_release);
        if (before != nullptr) {
            *before = {};
            if (had) *before = old;
        }
        return 0;
    }
    if (real().sigaction(signal, &given, &kernel_before) != 0) {
        disposition.action = old;
        disposition.has.store(had, std::memory_order_release);
        return -1;
    }
    if (!is_handler(*action)) {
        disposition.has.store(false, std::memory_order_release);
        if (had) handler_count.fetch_sub(1, std::memory_order_relaxed);
    }
    if (before != nullptr) {
        *before = had ? old : kernel_before;
        if ((before->sa_flags & SA_SIGINFO) != 0 && before->sa_sigaction == handle) *before = {};
    }
    return 0;
}

}  // namespace

namespace {
/// Stops of the counting first; the rest is the program's.
void stop_or_handle(int signal, siginfo_t* information, void* context) {
    if (take_counting_signal(signal, information, context)) return;
    if (signal == SIGTRAP) handle(signal, information, context);
}
}  // namespace

void keeper_speaks(int signal, siginfo_t* information, void* context);  // keeper.cpp

bool handlers_installed() {
    return handler_count.load(std::memory_order_relaxed) != 0;
}

void install_own_handlers() {
    struct sigaction action {};
    action.sa_sigaction = keeper_speaks;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    real().sigaction(keeper_signal, &action, nullptr);
    if (counting) {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, alarm_signal());
        Stepper::install(alarm_signal(), stop_or_handle, mask);
        Stepper::install(SIGTRAP, stop_or_handle, mask);
    }
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        struct sigaction before {};
        if (!writes_first(signal) || real().sigaction(signal, nullptr, &before) != 0 || is_handler(before) ||
            before.sa_handler == SIG_IGN) {
            continue;
        }
        action.sa_sigaction = handle;
        real().sigaction(signal, &action, nullptr);
    }
}

TemporaryMask::TemporaryMask(const sigset_t* mask) : used_(mask != nullptr) {
    if (!used_) return;
    const sigset_t used = without_ours(*mask);
    real().pthread_sigmask(SIG_SETMASK, &used, &before_);
}

TemporaryMask::~TemporaryMask() {
    if (used_) real().pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool has_handler(int signal) {
    return signal > 0 && signal < most_signals && dispositions[signal].has.load(std::memory_order_acquire);
}

unsigned handled(int signal) {
    return signal < most_signals ? handled_count[signal].load(std::memory_order_acquire) : 0;
}

bool handler_restarts(int signal) {
    return (dispositions[signal].action.sa_flags & SA_RESTART) != 0;
}

void run_handler(int signal, siginfo_t& information) {
    const Disposition& disposition = dispositions[signal];
    if (!disposition.has.load(std::memory_order_acquire)) {
        struct sigaction now {};
        real().sigaction(signal, nullptr, &now);
        const bool ignored = now.sa_handler == SIG_IGN || signal == SIGCHLD || signal == SIGURG ||
                             signal == SIGWINCH || signal == SIGCONT;
        if (!ignored) end_by_signal(signal);
        return;
    }
    const struct sigaction action = disposition.action;
    const int saved = errno;
    sigset_t mask = without_ours(action.sa_mask);
    if ((action.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
    sigset_t before;
    real().pthread_sigmask(SIG_BLOCK, &mask, &before);
    if ((action.sa_flags & SA_SIGINFO) != 0) {
        ucontext_t context{};
        getcontext(&context);
        action.sa_sigaction(signal, &information, &context);
    } else {
        action.sa_handler(signal);
    }
    real().pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = saved;
}

void end_by_signal(int signal) {
    close_journal();
    write_statistics();
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    real().sigaction(signal, &action, nullptr);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    real().pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    kill(getpid(), signal);
    // Unblocked, and to the whole process: some thread takes it before long.
    for (;;)
        real().syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int sigaction(int signal, const struct sigaction* action,
                                struct sigaction* before) noexcept {
    const Entry entry;
    if (mode.load(std::memory_order_relaxed) != Mode::ordering)
        return real().sigaction(signal, action, before);
    return install(signal, action, before);
}

ESCAPEMENT_EXPORT sighandler_t signal(int signal, sighandler_t handler) noexcept {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, signal);
    if (sigaction(signal, &action, &before) != 0) return SIG_ERR;
    return before.sa_handler;
}

ESCAPEMENT_EXPORT int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) noexcept {
    if (set == nullptr || how == SIG_UNBLOCK || mode.load(std::memory_order_relaxed) != Mode::ordering) {
        return real().pthread_sigmask(how, set, before);
    }
    const Entry entry;  // what has come is taken before it is blocked
    const sigset_t used = without_ours(*set);
    return real().pthread_sigmask(how, &used, before);
}

ESCAPEMENT_EXPORT int sigprocmask(int how, const sigset_t* set, sigset_t* before) noexcept {
    if (set == nullptr || how == SIG_UNBLOCK || mode.load(std::memory_order_relaxed) != Mode::ordering) {
        return real().sigprocmask(how, set, before);
    }
    const Entry entry;
    const sigset_t used = without_ours(*set);
    return real().sigprocmask(how, &used, before);
}
