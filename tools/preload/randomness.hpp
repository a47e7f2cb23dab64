#pragma once
// Randomness that comes out the same every time.

#include <cstddef>

namespace escapement::preload {

/// The next `size` bytes of the seeded generator; by the participant with the turn.
void fill_randomly(void* memory, std::size_t size);

}  // namespace escapement::preload
