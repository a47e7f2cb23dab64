#pragma once
// From samples to figures. Nothing here is ever infinite or not a number, whatever the samples.

#include <escapement/profile.hpp>

namespace escapement::calibration {

/// The median, and the 5th to the 95th percentile.
Figure median_of(std::vector<double> samples, const char* unit);
/// The median, and its 95 % confidence interval by order statistics; of few samples, all of their range.
Figure confident_median_of(std::vector<double> samples, const char* unit);

struct Point {
    double x = 0;
    double y = 0;
};
/// Least squares: what one more x adds to y, with its 95 % confidence interval. Exactly 0 if y is always the
/// same. n 0 if there are fewer than three points or all have one x: they tell nothing.
Figure slope_of(const std::vector<Point>& points, const char* unit);

/// Of `sorted`, which is not empty: the least value that `share` of all do not exceed.
template <typename T>
T quantile(const std::vector<T>& sorted, double share) {
    const auto last = sorted.size() - 1;
    const double rank = share * static_cast<double>(sorted.size());
    auto index = static_cast<std::size_t>(rank);
    if (static_cast<double>(index) == rank && index > 0) --index;
    return sorted[index < last ? index : last];
}

}  // namespace escapement::calibration
