#include "report_charts.hpp"
#include "report_svg.hpp"
#include "report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace escapement::report {

namespace {

constexpr double width = 360;
constexpr double left = 8;
constexpr double right = width - 8;
constexpr double top = 6;
constexpr double row_height = 32;  // words above, the interval below: narrow enough for a telephone

class Scale {
  public:
    Scale(const std::vector<IntervalRow>& rows, IntervalScale kind) : kind_(kind) {
        double least = rows.front().low;
        double most = rows.front().high;
        for (const IntervalRow& row : rows) {
            least = std::min(least, row.low);
            most = std::max(most, row.high);
        }
        switch (kind) {
            case IntervalScale::bars:
                begin_ = 0;
                end_ = std::max(most, 1.0) * 1.02;
                break;
            case IntervalScale::logarithmic:
                begin_ = std::floor(bent(std::max(least, 0.1)));
                end_ = std::max(std::ceil(bent(std::max(most, 1.0))), begin_ + 1);
                break;
            case IntervalScale::around_zero:
                begin_ = least < 0 ? bent(std::min(least, -1.0)) - 0.1 : -0.1;
                end_ = most > 0 || least >= 0 ? bent(std::max(most, 1.0)) + 0.1 : 0.1;
                break;
        }
    }
    [[nodiscard]] double x(double value) const {
        const double bent_value = std::clamp(bent(value), begin_, end_);
        return left + (right - left) * (bent_value - begin_) / (end_ - begin_);
    }
    [[nodiscard]] std::vector<double> ticks() const {
        std::vector<double> all;
        if (kind_ == IntervalScale::bars) {
            const double step = std::pow(10, std::floor(std::log10(end_ / 2)));
            const double nice = end_ / step <= 5 ? step : end_ / step <= 10 ? 2 * step : 5 * step;
            for (int tick = 0; tick * nice <= end_; ++tick)
                all.push_back(tick * nice);
            return all;
        }
        const int skip = std::max(1, static_cast<int>(std::ceil((end_ - begin_) / 6)));
        if (kind_ == IntervalScale::logarithmic) {
            for (int decade = static_cast<int>(begin_); decade <= end_; decade += skip)
                all.push_back(std::pow(10, decade));
            return all;
        }
        all.push_back(0);
        for (int decade = 0; decade < 19; decade += skip) {
            const double size = std::pow(10, decade);
            if (bent(size) <= end_) all.push_back(size);
            if (bent(-size) >= begin_) all.push_back(-size);
        }
        return all;
    }
    [[nodiscard]] std::string name(double tick) const {
        return kind_ == IntervalScale::around_zero ? number_text(tick) : time_text(tick);
    }

  private:
    [[nodiscard]] double bent(double value) const {
        switch (kind_) {
            case IntervalScale::bars:
                return value;
            case IntervalScale::logarithmic:
                return std::log10(std::max(value, 1e-3));
            case IntervalScale::around_zero:
                break;
        }
        return std::copysign(std::log10(1 + std::abs(value)), value);
    }
    IntervalScale kind_;
    double begin_ = 0;
    double end_ = 1;
};

const char* name_of(IntervalScale kind) {
    switch (kind) {
        case IntervalScale::bars:
            return "time";
        case IntervalScale::logarithmic:
            return "time (logarithmic)";
        case IntervalScale::around_zero:
            break;
    }
    return "counts an occurrence (logarithmic)";
}

}  // namespace

Html interval_chart(const std::vector<IntervalRow>& rows, IntervalScale kind, const std::string& about) {
    if (rows.empty()) return {};
    const Scale scale(rows, kind);
    const double bottom = top + row_height * static_cast<double>(rows.size());
    Html html;
    double taken = -1;  // names that would run into the one before are left out
    for (const double tick : scale.ticks()) {
        const double x = scale.x(tick);
        // Not across the words.
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const double y = top + row_height * static_cast<double>(row);
            html += svg::line(x, y + 15, x, y + 27, tick == 0 ? "axis" : "grid");
        }
        const double half = 3.2 * static_cast<double>(scale.name(tick).size());
        const double middle = std::clamp(x, half, width - half);
        if (kind != IntervalScale::around_zero && middle - half < taken) continue;
        html += svg::label(middle, bottom + 15, scale.name(tick), "middle", "tick");
        taken = middle + half;
    }
    html += svg::label((left + right) / 2, bottom + 31, name_of(kind), "middle", "name");
    double y = top;
    for (const IntervalRow& row : rows) {
        const std::string series = fmt::format("series{}", row.series % 2);
        html += svg::label(left + 4, y + 12, row.label, "start", "what");
        html += svg::label(right - 2, y + 12, row.value_text, "end", "value");
        const double middle = y + 21;
        if (kind == IntervalScale::bars)
            html +=
                svg::box(scale.x(0), middle - 4, std::max(scale.x(row.value) - scale.x(0), 1.0), 8, series);
        html += svg::line(scale.x(row.low), middle, scale.x(row.high), middle,
                          kind == IntervalScale::bars ? "spread" : "spread " + series);
        for (const double end : {row.low, row.high})
            html += svg::line(scale.x(end), middle - 4, scale.x(end), middle + 4,
                              kind == IntervalScale::bars ? "spread" : "spread " + series);
        if (kind != IntervalScale::bars) html += svg::dot(scale.x(row.value), middle, 4, series);
        y += row_height;
    }
    return svg::drawing(width, bottom + 38, about, html);
}

Html legend(const std::vector<std::string>& names) {
    Html html;
    for (std::size_t index = 0; index < names.size(); ++index) {
        html += element("span", {{"class", fmt::format("key series{}", index % 2)}}, Html());
        html += element("span", {}, names[index]);
    }
    return element("p", {{"class", "legend"}}, html);
}

}  // namespace escapement::report
