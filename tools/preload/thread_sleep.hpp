#pragma once
// What the kernel says of how a thread of this process sleeps.

#include <sys/types.h>

#include <cstdint>

namespace escapement::preload {

enum class Sleep : std::uint8_t { no, yes, unknown };

/// Whether `thread` sleeps interruptibly in the kernel; not if it is stopped, or on its way to a disk.
Sleep sleep_of(pid_t thread);

/// True if `thread` sleeps until another does something: on a futex, or for a signal. Other sleeps end by
/// themselves, or by what is outside.
bool sleeps_for_another(pid_t thread);

}  // namespace escapement::preload
