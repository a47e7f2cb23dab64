#pragma once
// What an event has to ask for so that user space may read its counter. Source: kernel,
// drivers/perf/arm_pmuv3.c (before 6.4: arch/arm64/kernel/perf_event.c), ATTR_CFG_FLD_rdpmc and _long:
// config1 bit 1 asks for user access, bit 0 for a counter of 64 bits, which Armv8.5 brought: without it
// events other than cycles are refused when both are asked for.

#include <array>
#include <cstdint>

namespace escapement {

/// Bits for perf_event_attr::config1, to be tried in this order; the event as it is comes last.
inline constexpr std::array<std::uint64_t, 3> user_access_bits{3, 2, 0};

}  // namespace escapement
