#pragma once
// Signal handlers of the program, with ours before them.

namespace escapement::preload {

/// True if the program has installed a handler: then a semaphore may be posted at any time.
bool handlers_installed();

/// Installs the keeper's handler, and, where statistics are wanted, one that writes them before SIGTERM,
/// SIGINT or SIGHUP end the process as they would have.
void install_own_handlers();

/// Ends the process by `signal`, as if nobody handled it.
[[noreturn]] void end_by_signal(int signal);

}  // namespace escapement::preload
