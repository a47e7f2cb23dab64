#pragma once
// One step of a calibration each: measures until it has enough, the host refuses, or the step's time is up.

#include "calibration/budget.hpp"
#include "calibration/kinds.hpp"

namespace escapement::calibration {

/// How much is enough.
struct Extent {
    std::int64_t total_ns = 0;
    std::uint64_t code_rounds = 0;
    std::uint64_t disturbed_rounds = 0;
    std::uint64_t reads = 0;
    std::uint64_t alarms = 0;  ///< of each pair of clock and alarm, under each load
};
Extent extent_of(const CalibrationOptions& options);

void measure_codes(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t rounds,
                   std::vector<CodeRecord>& records);
void measure_overcounts(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t rounds,
                        LoadFinding& finding);
/// Reads of the count, and the rate.
void measure_reads(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t most,
                   LoadFinding& finding);
void measure_skids(Workbench& workbench, Budget& budget, const Event& clock, const Event& alarm,
                   std::uint64_t most, LoadFinding& finding);
/// The least that an alarm by `event` can be set for; 0 if it does not come or there is no time.
Count measure_least_period(Workbench& workbench, Budget& budget, const Event& event);
HostCosts measure_costs(Workbench& workbench, Budget& budget, std::uint64_t most);

}  // namespace escapement::calibration
