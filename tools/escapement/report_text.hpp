#pragma once
// Measured quantities as people read them, in the terminal and in the report.

#include <escapement/profile.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace escapement::report {

/// What stands where nothing was measured.
inline constexpr const char* nothing = "-";

/// Three significant digits; whole numbers from 100 on, in groups: "0.00213", "8.1", "12,345".
std::string number_text(double value);
/// "12,345".
std::string count_text(std::uint64_t value);
/// "+3", "-12", "0".
std::string signed_text(std::int64_t value);
/// "0" or "-2 to +14".
std::string range_text(std::int64_t least, std::int64_t most);
/// Nanoseconds in the unit that fits: "8.1 ns", "1.23 µs", "4.0 ms", "2.1 s".
std::string time_text(double ns);
/// With its unit; `nothing` if it was not measured.
std::string figure_text(const Figure& figure);
/// "6.9 ns to 9.4 ns"; empty if it was not measured.
std::string spread_text(const Figure& figure);
/// "0-3,8".
std::string cpus_text(const std::vector<unsigned>& cpus);
/// "a", "a and b", "a, b and c".
std::string enumeration(const std::vector<std::string>& items);

/// Without what a terminal would obey: a CPU's or a kernel's name may hold anything.
std::string printable(std::string_view text);
/// Rows as columns, the first `left` of them to the left, the rest to the right, with `indent` before. Widths
/// are of characters, not bytes. Ends in a newline.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left,
                    const std::string& indent);
/// `text` in lines of at most `width` characters; the first begins with `first`, the others with `rest`. Ends
/// in a newline.
std::string wrapped(const std::string& text, const std::string& first, const std::string& rest,
                    std::size_t width);

}  // namespace escapement::report
