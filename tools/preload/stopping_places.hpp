#pragma once
// Where a thread may be stopped for others to go on.
//
// The C library's own locks (of the heap, of streams, of the loader) are taken by system calls that nobody
// stands in front of: a thread stopped while it holds one would keep the others in the kernel, out of order.
// It holds them only while it runs the library's own code; so it is stopped anywhere but there, and not in
// this library.

#include <cstdint>

namespace escapement::preload {

/// Notes where those libraries are. Once, before there are threads.
void find_stopping_places();

[[nodiscard]] bool may_be_stopped_at(std::uintptr_t address);

}  // namespace escapement::preload
