#pragma once
// The report's charts, as inline SVG. Colours are the page's style's, by class, so that they follow light,
// dark and paper.

#include "report_html.hpp"

#include <escapement/profile.hpp>

#include <optional>
#include <string>
#include <vector>

namespace escapement::report {

/// Histogram of one alarm's skids on logarithmic axes, with p50, p99, the largest and the margin marked.
struct SkidChart {
    std::string load;
    std::size_t series = 0;  ///< 0: idle, 1: loaded, …
    const SkidFinding* skid = nullptr;
    std::optional<Count> margin{};  ///< if the verdict's
    Count farthest = 0;             ///< the horizontal axis ends here: the same for charts that are compared
    std::uint64_t highest = 0;      ///< likewise the vertical one, in alarms
};
Html skid_chart(const SkidChart& chart);

/// A row of a chart of values with their intervals.
struct IntervalRow {
    std::string label;
    std::string value_text;
    double value = 0, low = 0, high = 0;
    std::size_t series = 0;
};
enum class IntervalScale {
    bars,         ///< nanoseconds, linear from 0, as bars
    logarithmic,  ///< nanoseconds
    around_zero,  ///< counts, logarithmic away from 0 in both directions
};
/// `about` says what is drawn to who cannot see it.
Html interval_chart(const std::vector<IntervalRow>& rows, IntervalScale scale, const std::string& about);

/// "idle ■ loaded ■".
Html legend(const std::vector<std::string>& names);

}  // namespace escapement::report
