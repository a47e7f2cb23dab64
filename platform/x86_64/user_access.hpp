#pragma once
// What an event has to ask for so that user space may read its counter: nothing here. The kernel allows
// rdpmc by itself (/sys/devices/cpu/rdpmc).

#include <array>
#include <cstdint>

namespace escapement {

/// Bits for perf_event_attr::config1, to be tried in this order; the event as it is comes last.
inline constexpr std::array<std::uint64_t, 1> user_access_bits{0};

}  // namespace escapement
