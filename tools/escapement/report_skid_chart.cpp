#include "report_charts.hpp"
#include "report_svg.hpp"
#include "report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace escapement::report {

namespace {

constexpr double width = 360;
constexpr double left = 46;
constexpr double right = width - 10;
constexpr double top = 60;  // above are the markers' names, a line each: so they never cover each other
constexpr double bottom = 168;
constexpr double height = 204;
constexpr double row_height = 13;
constexpr double least_distance = 30;  ///< between the names of ticks

/// A bar is as wide as a doubling; skid 0, which has no logarithm, has the first one.
double doublings(Count skid) {
    return skid == 0 ? 0.5 : 1 + std::log2(static_cast<double>(skid));
}

class Axes {
  public:
    Axes(Count farthest, std::uint64_t highest)
        : end_(std::max(std::ceil(doublings(farthest) + 0.5), 4.0)),
          top_(std::log10(static_cast<double>(std::max<std::uint64_t>(highest, 10))) + below_one) {}
    [[nodiscard]] double x(double doubling) const {
        return left + (right - left) * std::min(doubling, end_) / end_;
    }
    [[nodiscard]] double y(std::uint64_t alarms) const {
        return bottom - (bottom - top) * (std::log10(static_cast<double>(alarms)) + below_one) / top_;
    }

  private:
    static constexpr double below_one = 0.4;  ///< decades, so that a single alarm is seen
    double end_;
    double top_;
};

std::string short_number(std::uint64_t power_of_ten) {
    if (power_of_ten >= 1'000'000'000) return fmt::format("{} G", power_of_ten / 1'000'000'000);
    if (power_of_ten >= 1'000'000) return fmt::format("{} M", power_of_ten / 1'000'000);
    if (power_of_ten >= 1'000) return fmt::format("{} k", power_of_ten / 1'000);
    return std::to_string(power_of_ten);
}

Html vertical_axis(const Axes& axes, std::uint64_t highest) {
    Html html;
    for (std::uint64_t alarms = 1; alarms <= std::max<std::uint64_t>(highest, 10); alarms *= 10) {
        html += svg::line(left, axes.y(alarms), right, axes.y(alarms), "grid");
        html += svg::label(left - 5, axes.y(alarms) + 3.5, short_number(alarms), "end", "tick");
        if (alarms > highest) break;
    }
    return html;
}

Html horizontal_axis(const Axes& axes, Count farthest) {
    Html html = svg::line(left, bottom, right, bottom, "axis");
    html += svg::label(axes.x(0.5), bottom + 13, "0", "middle", "tick");
    double taken = axes.x(0.5);  // a name that would run into the one before is left out
    for (Count skid = 1; skid <= std::max<Count>(farthest, 8); skid *= 10) {
        const double x = axes.x(doublings(skid));
        html += svg::line(x, bottom, x, bottom + 3, "axis");
        if (x - taken < least_distance) continue;
        html += svg::label(x, bottom + 13, short_number(skid), "middle", "tick");
        taken = x;
    }
    html +=
        svg::label((left + right) / 2, bottom + 29, "counts past the target (logarithmic)", "middle", "name");
    return html;
}

}  // namespace

Html skid_chart(const SkidChart& chart) {
    const SkidFinding& skid = *chart.skid;
    const Axes axes(chart.farthest, chart.highest);
    Html bars;
    for (std::size_t index = 0; index < skid.histogram.size(); ++index) {
        if (skid.histogram[index] == 0) continue;
        const double from = axes.x(static_cast<double>(index));
        const double to = axes.x(static_cast<double>(index + 1));
        const double y = axes.y(skid.histogram[index]);
        bars += svg::box(from + 0.5, y, std::max(to - from - 1, 1.0), bottom - y,
                         fmt::format("series{}", chart.series % 2));
    }
    struct Marker {
        const char* name;
        Count at;
    };
    std::vector<Marker> markers{{"p50", skid.p50}, {"p99", skid.p99}, {"max", skid.most}};
    if (chart.margin) markers.push_back({"margin", *chart.margin});
    Html lines;
    Html names;
    double y = top - row_height * static_cast<double>(markers.size() - 1) - 4;
    for (const Marker& marker : markers) {
        const double x = axes.x(doublings(marker.at));
        const bool turns = x > (left + right) / 2;
        lines +=
            svg::line(x, y - 8, x, bottom, std::string(marker.name) == "margin" ? "mark margin" : "mark");
        names +=
            svg::label(turns ? x - 4 : x + 4, y, fmt::format("{} {}", marker.name, count_text(marker.at)),
                       turns ? "end" : "start", "value");
        y += row_height;
    }
    const std::string about =
        fmt::format("{} alarms, {}: skid p50 {}, p99 {}, largest {} counts", count_text(skid.n), chart.load,
                    count_text(skid.p50), count_text(skid.p99), count_text(skid.most));
    return svg::drawing(width, height, about,
                        vertical_axis(axes, chart.highest) + horizontal_axis(axes, chart.farthest) + bars +
                            lines + names + svg::label(left - 5, top - row_height, "alarms", "end", "name"));
}

}  // namespace escapement::report
