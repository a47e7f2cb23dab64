#pragma once
// Randomness that comes out the same every time.

#include <cstddef>

namespace escapement::preload {

/// The next `size` bytes of the seeded generator; by the participant with the turn.
void fill_randomly(void* memory, std::size_t size);

/// True if `descriptor` was opened on the kernel's random device: reads from it are served by
/// fill_randomly().
bool is_random_device(int descriptor);

}  // namespace escapement::preload
