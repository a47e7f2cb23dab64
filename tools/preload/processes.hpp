#pragma once
// Children of this process.

namespace escapement::preload {

/// Registers what begins a domain of its own in a child process, before the program registers anything.
void prepare_for_forks();

}  // namespace escapement::preload
