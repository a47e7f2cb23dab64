#include "thread_status.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

namespace {

/// The beginning of /proc/self/task/`thread`/`name`, as a string. Negative: it could not be read, errno says
/// why.
ssize_t read_of(pid_t thread, const char* name, std::span<char> text) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/%s", thread, name);
    return read_beginning(path, text);
}

/// A set of signals in a thread's status. Source: proc(5), /proc/pid/status: the lowest bit is signal 1.
std::uint64_t signals_in(const char* status, const char* name) {
    const char* const line = std::strstr(status, name);
    return line != nullptr ? std::strtoull(line + std::strlen(name), nullptr, 16) : 0;
}

}  // namespace

ssize_t read_beginning(const char* path, std::span<char> text) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    const ssize_t length = read(file, text.data(), text.size() - 1);
    const int error = errno;
    close(file);
    errno = error;
    text[length > 0 ? static_cast<std::size_t>(length) : 0] = '\0';
    return length;
}

char state_of(pid_t thread) {
    char text[256];
    if (read_of(thread, "stat", text) < 0) return '\0';
    // The name before the state, in parentheses, may hold anything.
    const char* const end_of_name = std::strrchr(text, ')');
    return end_of_name != nullptr && end_of_name[1] == ' ' ? end_of_name[2] : '\0';
}

Sleep sleep_of(pid_t thread) {
    const char state = state_of(thread);
    if (state == '\0')
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? Sleep::unknown : Sleep::no;
    return state == 'S' ? Sleep::yes : Sleep::no;
}

bool sleeps_for_another(pid_t thread) {
    char text[256];
    if (sleep_of(thread) != Sleep::yes) return false;
    // Source: proc(5), /proc/pid/syscall. Where the kernel was built without it nobody can tell; nor can
    // anybody wait for a thread that may wait for him.
    if (read_of(thread, "syscall", text) < 0) return true;
    char* end = nullptr;
    const long number = std::strtol(text, &end, 10);
    if (end == text) return false;  // "running"
    switch (number) {
        case SYS_futex:
        case SYS_rt_sigsuspend:
        case SYS_rt_sigtimedwait:
            return true;
        default:
            return false;
    }
}

bool has_pending(pid_t thread, const sigset_t& set) {
    char text[2048];
    if (read_of(thread, "status", text) < 0) return false;
    std::uint64_t pending = signals_in(text, "\nSigPnd:") | signals_in(text, "\nShdPnd:");
    for (int signal = 1; pending != 0; ++signal, pending >>= 1U)
        if ((pending & 1U) != 0 && sigismember(&set, signal) == 1) return true;
    return false;
}

bool blocks(pid_t thread, int signal) {
    char text[2048];
    if (read_of(thread, "status", text) < 0) return false;
    return (signals_in(text, "\nSigBlk:") >> static_cast<unsigned>(signal - 1) & 1U) != 0;
}

}  // namespace escapement::preload
