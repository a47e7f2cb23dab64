#include "calibration/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace escapement::calibration {

namespace {

/// Where a figure of this size comes from, something else is broken; a profile cannot hold it.
constexpr double largest = 1e17;

void leave_out_nonsense(std::vector<double>& samples) {
    std::erase_if(samples, [](double each) { return !(std::fabs(each) <= largest); });
    std::sort(samples.begin(), samples.end());
}

/// Student's t, two-sided 95 %, by degrees of freedom.
double student(std::size_t freedom) {
    constexpr std::array few{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                             2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                             2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
    return freedom <= few.size() ? few[freedom - 1] : 1.96 + 2.5 / static_cast<double>(freedom);
}

}  // namespace

Figure median_of(std::vector<double> samples, const char* unit) {
    leave_out_nonsense(samples);
    Figure figure{.n = samples.size(), .unit = unit, .spread = Figure::Spread::percentiles};
    if (samples.empty()) return figure;
    figure.value = quantile(samples, 0.5);
    figure.low = quantile(samples, 0.05);
    figure.high = quantile(samples, 0.95);
    return figure;
}

Figure confident_median_of(std::vector<double> samples, const char* unit) {
    leave_out_nonsense(samples);
    Figure figure{.n = samples.size(), .unit = unit, .spread = Figure::Spread::confidence};
    if (samples.empty()) return figure;
    figure.value = quantile(samples, 0.5);
    const auto n = static_cast<double>(samples.size());
    // The number of samples below the true median is binomial with one half.
    const double half = 0.98 * std::sqrt(n) + 1;
    const auto rank = [&](double at) {
        return samples[static_cast<std::size_t>(std::clamp(at, 0.0, n - 1))];
    };
    figure.low = std::min(figure.value, rank(n / 2 - half));
    figure.high = std::max(figure.value, rank(n / 2 + half));
    return figure;
}

Figure slope_of(const std::vector<Point>& points, const char* unit) {
    Figure figure{.n = points.size(), .unit = unit, .spread = Figure::Spread::confidence};
    Figure nothing{.unit = unit, .spread = Figure::Spread::confidence};
    if (points.size() < 3) return nothing;
    const auto n = static_cast<double>(points.size());
    // Counts are large and differ by little: only differences are added up.
    const Point origin = points.front();
    Point mean;
    bool same = true;
    for (const Point& point : points) {
        mean.x += (point.x - origin.x) / n;
        mean.y += (point.y - origin.y) / n;
        same = same && point.y == origin.y;
    }
    double xx = 0;
    double xy = 0;
    for (const Point& point : points) {
        const double x = point.x - origin.x - mean.x;
        xx += x * x;
        xy += x * (point.y - origin.y - mean.y);
    }
    if (!(xx > 0)) return nothing;
    if (same) return figure;
    figure.value = xy / xx;
    double residuals = 0;
    for (const Point& point : points) {
        const double residual = point.y - origin.y - mean.y - figure.value * (point.x - origin.x - mean.x);
        residuals += residual * residual;
    }
    const double error = student(points.size() - 2) * std::sqrt(residuals / (n - 2) / xx);
    if (!(std::fabs(figure.value) + error <= largest)) return nothing;
    figure.low = figure.value - error;
    figure.high = figure.value + error;
    return figure;
}

}  // namespace escapement::calibration
