#include "report_text.hpp"

#include "verify_text.hpp"

#include <escapement/placement.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace escapement::report {

namespace {

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char letter) {
        return (static_cast<unsigned char>(letter) & 0xc0U) != 0x80U;
    }));
}

}  // namespace

std::string number_text(double value) {
    const double size = std::abs(value);
    if (size == 0) return "0";
    if (size >= 99.95 && size < 1e15) {
        return (value < 0 ? "-" : "") + verify::grouped(static_cast<std::uint64_t>(std::llround(size)));
    }
    if (size >= 9.995 && size < 1e15) return fmt::format("{:.1f}", value);
    if (size >= 0.9995 && size < 1e15) return fmt::format("{:.2f}", value);
    return fmt::format("{:.3g}", value);
}

std::string count_text(std::uint64_t value) {
    return verify::grouped(value);
}

std::string signed_text(std::int64_t value) {
    if (value == 0) return "0";
    const auto size =
        value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    return (value < 0 ? "-" : "+") + verify::grouped(size);
}

std::string range_text(std::int64_t least, std::int64_t most) {
    return least == most ? signed_text(least) : signed_text(least) + " to " + signed_text(most);
}

std::string time_text(double ns) {
    const double size = std::abs(ns);
    if (size < 999.5) return number_text(ns) + " ns";
    if (size < 999.5e3) return number_text(ns / 1e3) + " µs";
    if (size < 999.5e6) return number_text(ns / 1e6) + " ms";
    return number_text(ns / 1e9) + " s";
}

namespace {

std::string with_unit(double value, const std::string& unit) {
    if (unit == "ns") return time_text(value);
    return unit.empty() ? number_text(value) : number_text(value) + " " + printable(unit);
}

}  // namespace

std::string figure_text(const Figure& figure) {
    return figure.n == 0 ? nothing : with_unit(figure.value, figure.unit);
}

std::string spread_text(const Figure& figure) {
    if (figure.n == 0) return {};
    if (figure.unit == "ns") return time_text(figure.low) + " to " + time_text(figure.high);
    return number_text(figure.low) + " to " + number_text(figure.high);
}

std::string cpus_text(const std::vector<unsigned>& cpus) {
    return format_cpus(std::set<unsigned>(cpus.begin(), cpus.end()));
}

std::string enumeration(const std::vector<std::string>& items) {
    std::string text;
    for (std::size_t index = 0; index < items.size(); ++index) {
        if (index != 0) text += index + 1 == items.size() ? " and " : ", ";
        text += items[index];
    }
    return text;
}

std::string printable(std::string_view text) {
    std::string clean(text);
    for (char& letter : clean) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
    }
    // The C1 controls, which some terminals obey, are two bytes in UTF-8.
    for (std::size_t at = 0; (at = clean.find('\xc2', at)) != std::string::npos; ++at) {
        if (at + 1 < clean.size() && static_cast<unsigned char>(clean[at + 1]) < 0xa0)
            clean.replace(at, 2, "?");
    }
    return clean;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left,
                    const std::string& indent) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], width_of(row[column]));
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line = indent;
        for (std::size_t column = 0; column < row.size(); ++column) {
            const std::string blank(widths[column] - width_of(row[column]), ' ');
            if (column != 0) line += "  ";
            line += column < left ? row[column] + blank : blank + row[column];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

std::string wrapped(const std::string& text, const std::string& first, const std::string& rest,
                    std::size_t width) {
    std::string all;
    std::string line = first;
    bool empty = true;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (!empty && width_of(line) + 1 + width_of(word) > width) {
            all += line + '\n';
            line = rest;
            empty = true;
        }
        if (!empty) line += ' ';
        line += word;
        empty = false;
        at = end + 1;
    }
    return all + line + '\n';
}

}  // namespace escapement::report
