#pragma once
// Pages of memory.

#include <cstddef>

namespace escapement {

/// Bytes of the smallest page there is: what lies so far apart lies on different pages.
inline constexpr std::size_t page = 4096;

}  // namespace escapement
