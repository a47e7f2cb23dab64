// Waiting for child processes: in the order, until there is a change of state to report.

#include "child_processes.hpp"
#include "outside_input.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

namespace escapement::preload {

namespace {

/// `attempt` for a child of `which`, with what a replay needs: that it finds the same child. Whether one has
/// ended by now is up to the host: a replay waits for it where it had.
template <typename Attempt, typename Found>
int look(pid_t which, int options, Attempt attempt, Found found) {
    if (journaling == Journaling::off) return attempt(which);
    std::uint32_t place = unknown_place;
    const iovec part{.iov_base = &place, .iov_len = sizeof place};
    if (journaling == Journaling::record) {
        const pid_t reporting = which > 0 ? which : reporting_child(which, options);
        if (reporting == 0) return 0;
        if (which <= 0 && reporting > 0) place = place_of(reporting);
        const int result = attempt(reporting > 0 ? reporting : which);
        if (found(result))
            record_input(child_processes, with_errno(result), &part, 1, result < 0 ? 0 : sizeof place);
        return result;
    }
    if (!input_comes_from(child_processes)) return 0;
    const int result = static_cast<int>(replay_input(child_processes, &part, 1));
    if (result < 0) return result;
    constexpr int most_looks = 10'000;
    for (int looks = 0; looks < most_looks; ++looks) {
        const pid_t same = which > 0 ? -1 : child_at(place);
        const int again = attempt(same > 0 ? same : which);
        if (found(again)) return again;
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
        real().nanosleep(&pause, nullptr);
    }
    errno = ECHILD;
    return -1;
}

/// `attempt` is the real call with WNOHANG, for `child` or one of those that it stands for; `found` tells by
/// its result whether there was something to report.
template <typename Attempt, typename Found>
int wait_for_child(pid_t child, int options, Attempt attempt, Found found) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::poll, nullptr, false);
    const CancellationPoint point;
    Seat& seat = domain.my_seat();
    const int reported =
        options & (WUNTRACED | WCONTINUED | WEXITED | WSTOPPED | __WALL | static_cast<int>(__WCLONE));
    domain.expect_signals();
    for (;;) {
        const int result = look(child, reported, attempt, found);
        if (found(result) || (options & WNOHANG) != 0) return result;
        PollRequest request;
        request.child = child;
        request.children = true;
        request.child_options = reported;
        bool signalled = false;
        domain.poll("a child process", request, no_deadline, signalled);
        seat.signalled.store(false, std::memory_order_relaxed);
        if (seat.interrupted.load(std::memory_order_relaxed) || seat.cancellation_wanted()) {
            const int last = look(child, reported, attempt, found);
            if (found(last)) return last;
            errno = EINTR;
            return -1;
        }
    }
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT pid_t wait4(pid_t child, int* status, int options, rusage* usage) {
    pid_t result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().wait4(child, status, options, usage);
        result = wait_for_child(
            child, options | WEXITED,
            [&](pid_t which) { return real().wait4(which, status, options | WNOHANG, usage); },
            [](pid_t id) { return id != 0; });
    }
    if (result < 0) pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT pid_t waitpid(pid_t child, int* status, int options) {
    return wait4(child, status, options, nullptr);
}

ESCAPEMENT_EXPORT pid_t wait(int* status) {
    return wait4(-1, status, 0, nullptr);
}

ESCAPEMENT_EXPORT pid_t wait3(int* status, int options, rusage* usage) noexcept {
    return wait4(-1, status, options, usage);
}

ESCAPEMENT_EXPORT int waitid(idtype_t type, id_t id, siginfo_t* information, int options) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered() || (type != P_PID && type != P_PGID && type != P_ALL))
            return real().waitid(type, id, information, options);
        siginfo_t own{};
        siginfo_t* const to = information != nullptr ? information : &own;
        to->si_pid = 0;
        pid_t child = -1;
        if (type == P_PID) child = static_cast<pid_t>(id);
        if (type == P_PGID) child = -static_cast<pid_t>(id);
        result = wait_for_child(
            child, options,
            [&](pid_t which) {
                to->si_pid = 0;
                return which > 0 ? real().waitid(P_PID, static_cast<id_t>(which), to, options | WNOHANG)
                                 : real().waitid(type, id, to, options | WNOHANG);
            },
            [&](int failed) { return failed != 0 || to->si_pid != 0; });
    }
    if (result < 0) pthread_testcancel();
    return result;
}

/// The C library's own waits inside it, where nobody can see it. Source: POSIX, system().
ESCAPEMENT_EXPORT int system(const char* command) {
    if (mode.load(std::memory_order_relaxed) != Mode::ordering || command == nullptr) {
        static const auto real_system = reinterpret_cast<decltype(&system)>(next_function("system"));
        return real_system(command);
    }
    struct sigaction ignored {};
    struct sigaction interrupt {};
    struct sigaction quit {};
    ignored.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignored, &interrupt);
    sigaction(SIGQUIT, &ignored, &quit);
    sigset_t child_signal;
    sigset_t before;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child_signal, &before);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    if (interrupt.sa_handler != SIG_IGN) sigaddset(&defaults, SIGINT);
    if (quit.sa_handler != SIG_IGN) sigaddset(&defaults, SIGQUIT);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    char shell[] = "sh";
    char option[] = "-c";
    char* const arguments[] = {shell, option, const_cast<char*>(command), nullptr};
    pid_t child = 0;
    int status = 127 << 8;  // as if the shell had said that there is no such command
    if (posix_spawn(&child, "/bin/sh", nullptr, &attributes, arguments, environ) == 0) {
        while (waitpid(child, &status, 0) < 0) {
            if (errno != EINTR) {
                status = -1;
                break;
            }
        }
    }
    posix_spawnattr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    sigaction(SIGINT, &interrupt, nullptr);
    sigaction(SIGQUIT, &quit, nullptr);
    return status;
}
