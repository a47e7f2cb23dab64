#pragma once
// Where somebody or something outside this process may send input at any moment. Only there does idle time
// pass as it does outside; everywhere else waiting for it would be waiting for nothing.

#include <poll.h>

namespace escapement::preload {

/// True if the descriptor is to be read and is a terminal, or a pipe or socket whose other end others may
/// have. Asks the kernel each time.
bool brings_live_input(const pollfd& descriptor);
/// The same of what the epoll(7) descriptor watches.
bool watches_live_input(int epoll);

}  // namespace escapement::preload
