#pragma once
// Under what an event is measured.

#include <array>

namespace escapement::calibration {

/// The names of LoadFinding::load; under the last the workbench's load runs.
inline constexpr std::array<const char*, 2> loads{"idle", "loaded"};

}  // namespace escapement::calibration
