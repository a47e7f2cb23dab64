#pragma once
// Children of this process.

namespace escapement::preload {

/// Registers what begins a domain of its own in a child process, before the program registers anything.
void prepare_for_forks();

/// False in a child of vfork(2): it shares this process's memory, but not its descriptors and signal
/// handlers, so what it does to those is not to be noted here.
bool is_own_process();

}  // namespace escapement::preload
