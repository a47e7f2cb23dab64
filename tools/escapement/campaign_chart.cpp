#include "campaign_chart.hpp"

#include "report_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace escapement::campaign {

namespace {

using namespace report;

constexpr double width = 520;
constexpr double left = 12;
constexpr double right = 470;  // the last value stands to the right of it
constexpr double row_height = 34;

/// The next greater 1, 2 or 5 times a power of ten.
double round_step(double value) {
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= value) return factor * power;
    }
    return 10 * power;
}

/// Digits enough to tell steps apart.
std::string seconds_text(double seconds, double step) {
    const int digits = std::max(0, -static_cast<int>(std::floor(std::log10(step))));
    return fmt::format("{:.{}f} s", seconds, digits);
}

std::string shortened(const std::string& words) {
    constexpr std::size_t longest = 70;
    if (words.size() <= longest) return words;
    std::size_t end = longest - 3;
    // Not within a character.
    while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xc0U) == 0x80U)
        --end;
    return words.substr(0, end) + "...";
}

Html chart(const std::string& guest, const std::vector<const CellSummary*>& cells) {
    double most = 0;
    for (const CellSummary* sum : cells)
        most = std::max(most, sum->wall->most);
    if (most <= 0) return {};
    const double step = round_step(most / 5);
    const double scale = (right - left) / (std::ceil(most / step) * step);
    const double bottom = 4 + row_height * static_cast<double>(cells.size());
    Html content;
    for (double at = 0; at * scale <= right - left + 0.5; at += step) {
        const double x = left + at * scale;
        content += svg::line(x, 4, x, bottom, at == 0 ? "axis" : "grid");
        content += svg::label(x, bottom + 14, seconds_text(at, step), at == 0 ? "start" : "middle", "tick");
    }
    double y = 4;
    for (const CellSummary* sum : cells) {
        const char* const series = sum->cell.stock ? "series1" : "series0";
        const verify::Spread& wall = *sum->wall;
        content += svg::label(left + 4, y + 13, shortened(settings_text(sum->cell)), "start", "what");
        content += svg::line(left + wall.least * scale, y + 23, left + wall.most * scale, y + 23,
                             std::string("spread ") + series);
        content += svg::dot(left + wall.median * scale, y + 23, 4, series);
        content += svg::label(left + wall.most * scale + 8, y + 27, seconds_text(wall.median, step / 10),
                              "start", "value");
        y += row_height;
    }
    const Html legend = element("p", {{"class", "legend"}},
                                element("span", {{"class", "key series0"}}, Html()) + text("ordered") +
                                    element("span", {{"class", "key series1"}}, Html()) + text("stock"));
    return element("figure", {{"class", "chart"}},
                   element("figcaption", {}, foreign(guest) + text(": wall time, least to most, median")) +
                       legend + svg::drawing(width, bottom + 22, "Wall times of " + guest, content));
}

}  // namespace

Html time_charts(const Plan& plan, const Summary& summary) {
    constexpr std::size_t most_rows = 40;  // of which a chart can still be looked at
    Html charts;
    for (std::size_t guest = 0; guest < plan.guests.size(); ++guest) {
        std::vector<const CellSummary*> cells;
        for (const CellSummary& sum : summary.cells) {
            if (sum.cell.guest == guest && sum.wall && cells.size() < most_rows) cells.push_back(&sum);
        }
        if (!cells.empty()) charts += chart(plan.guests[guest].name, cells);
    }
    return element("div", {{"class", "charts"}}, charts);
}

}  // namespace escapement::campaign
