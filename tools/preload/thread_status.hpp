#pragma once
// What the kernel says of a thread of this process: how it sleeps, and which signals wait for it.

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <span>

namespace escapement::preload {

/// The beginning of the file at `path`, as a string. Negative: it could not be read, errno says why.
ssize_t read_beginning(const char* path, std::span<char> text);

/// The state of `thread`, as proc(5) has it in /proc/pid/stat; '\0' if it cannot be read, errno says why.
char state_of(pid_t thread);

enum class Sleep : std::uint8_t { no, yes, unknown };

/// Whether `thread` sleeps interruptibly in the kernel; not if it is stopped, or on its way to a disk.
Sleep sleep_of(pid_t thread);

/// True if `thread` sleeps until another does something: on a futex, or for a signal. Other sleeps end by
/// themselves, or by what is outside.
bool sleeps_for_another(pid_t thread);

/// True if a signal of `set` waits for `thread`, or for the process, because it is blocked.
bool has_pending(pid_t thread, const sigset_t& set);

/// True if `thread` blocks `signal`.
bool blocks(pid_t thread, int signal);

}  // namespace escapement::preload
