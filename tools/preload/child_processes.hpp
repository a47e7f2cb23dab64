#pragma once
// Which child processes there are. A replay has others than its recording had, whose numbers differ, and
// which end in another order: what is the same is the order in which they began.

#include <sys/types.h>

#include <cstdint>

namespace escapement::preload {

inline constexpr std::uint32_t unknown_place = UINT32_MAX;

/// One of the children that `which` stands for, as for waitpid(2), that has something to report of what
/// `options` (as for waitid(2)) ask; 0: none has; -1: there is none to wait for.
pid_t reporting_child(pid_t which, int options);

/// The place of `child` among those that nobody has waited for, by when they began; unknown_place if the
/// kernel does not say. By the participant with the turn.
std::uint32_t place_of(pid_t child);
/// The one at `place`; -1 if there is none.
pid_t child_at(std::uint32_t place);

}  // namespace escapement::preload
