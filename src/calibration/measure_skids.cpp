#include "calibration/measure.hpp"
#include "calibration/statistics.hpp"
#include "profile/sense.hpp"

#include <algorithm>
#include <array>

namespace escapement::calibration {

namespace {

constexpr std::array<Count, 3> periods{1000, 10'000, 100'000};
/// Each lost one takes as long as a hundred that come: an alarm that loses half of all is no alarm.
constexpr std::uint64_t too_many_lost = 10;
/// Skids that a profile can hold; beyond that they are all the same.
constexpr std::int64_t latest = std::int64_t{1} << 60U;

/// The alarms that were set for one period.
struct Series {
    std::uint64_t lost = 0;
    std::uint64_t early = 0;
    std::vector<Count> skids;
    std::vector<double> latencies;

    void add(const Workbench::AlarmSample& sample) {
        if (!sample.came) {
            ++lost;
            return;
        }
        if (sample.late < 0) ++early;
        skids.push_back(static_cast<Count>(std::clamp<std::int64_t>(sample.late, 0, latest)));
        latencies.push_back(static_cast<double>(sample.latency_ns));
    }

    SkidFinding finding(const std::string& alarm, Count period) {
        SkidFinding found;
        found.alarm = alarm;
        found.period = period;
        found.n = skids.size() + lost;
        found.lost = lost;
        found.early = early;
        found.latency = median_of(std::move(latencies), "ns");
        if (skids.empty()) return found;
        std::sort(skids.begin(), skids.end());
        found.p50 = quantile(skids, 0.5);
        found.p90 = quantile(skids, 0.9);
        found.p99 = quantile(skids, 0.99);
        found.p9999 = quantile(skids, 0.9999);
        found.most = skids.back();
        found.histogram.resize(profile::bucket(found.most) + 1);
        for (const Count skid : skids)
            ++found.histogram[profile::bucket(skid)];
        const auto kept = static_cast<std::ptrdiff_t>(std::min(skids.size(), SkidFinding::kept));
        found.largest.assign(skids.rbegin(), skids.rbegin() + kept);
        return found;
    }
};

/// Up to an eighth more each time, so that alarms do not always find the code at the same place. The same
/// numbers every time: a calibration can be repeated.
class Unevenness {
  public:
    Count of(Count period) {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return period + (state_ >> 33U) % (period / 8 + 1);
    }

  private:
    std::uint64_t state_ = 1;
};

}  // namespace

void measure_skids(Workbench& workbench, Budget& budget, const Event& clock, const Event& alarm,
                   std::uint64_t most, LoadFinding& finding) {
    std::array<Series, periods.size()> series;
    Unevenness uneven;
    std::uint64_t lost = 0;
    for (std::uint64_t number = 0; number < most && !budget.up(); ++number) {
        const std::size_t which = number % periods.size();
        const auto sample = workbench.sample_alarm(clock, alarm, uneven.of(periods[which]));
        if (!sample) break;
        series[which].add(*sample);
        lost += sample->came ? 0U : 1U;
        if (lost >= too_many_lost && lost * 2 > number) break;
    }
    for (std::size_t which = 0; which < periods.size(); ++which) {
        if (series[which].skids.size() + series[which].lost == 0) continue;
        finding.skids.push_back(series[which].finding(alarm.name, periods[which]));
    }
}

Count measure_least_period(Workbench& workbench, Budget& budget, const Event& event) {
    constexpr Count largest_tried = 4096;
    constexpr int tries = 3;
    for (Count period = 1; period <= largest_tried; period *= 2) {
        int came = 0;
        while (came < tries) {
            if (budget.up()) return 0;
            const auto sample = workbench.sample_alarm(event, event, period);
            if (!sample || !sample->came) break;
            ++came;
        }
        if (came == tries) return period;
    }
    return 0;
}

}  // namespace escapement::calibration
