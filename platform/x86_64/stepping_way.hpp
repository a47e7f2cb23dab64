#pragma once
// How this processor's Stepper stops: by the trap flag mostly, or by breakpoints only.

namespace escapement {

inline constexpr bool steps_by_trap_flag = true;

}  // namespace escapement
