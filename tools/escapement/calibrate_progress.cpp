#include "calibrate_progress.hpp"

#include "report_text.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace escapement::command {

namespace {

constexpr std::int64_t between_drawings_ns = 100'000'000;
constexpr std::int64_t between_lines_ns = 5'000'000'000;

std::size_t columns_of(std::FILE* out) {
    winsize size{};
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

std::string calibration_bar(const CalibrationProgress& progress, std::size_t width) {
    constexpr int length = 20;
    const double fraction = std::isfinite(progress.fraction) ? std::clamp(progress.fraction, 0.0, 1.0) : 0.0;
    const int filled = static_cast<int>(fraction * length);
    std::string bar(static_cast<std::size_t>(filled), '#');
    bar.append(static_cast<std::size_t>(length - filled), '.');
    std::string line = fmt::format("[{}] {:2.0f} %", bar, fraction * 100);
    if (progress.left_ns > 0) {
        const std::int64_t seconds = (progress.left_ns + 999'999'999) / 1'000'000'000;
        line += seconds < 120 ? fmt::format(", about {} s left", seconds)
                              : fmt::format(", about {} min left", (seconds + 59) / 60);
    }
    line += ": " + report::printable(progress.doing);
    if (line.size() <= width) return line;
    std::size_t end = width;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U)
        --end;  // not in the midst of a character
    return line.substr(0, end);
}

CalibrationProgressLine::CalibrationProgressLine(std::FILE* out, bool terminal)
    : out_(out), terminal_(terminal) {}

CalibrationProgressLine::~CalibrationProgressLine() {
    if (!drawn_) return;
    fmt::print(out_, "\r\x1b[K");
    std::fflush(out_);
}

void CalibrationProgressLine::show(const CalibrationProgress& progress, std::int64_t now_ns) {
    if (begun_ && now_ns - shown_ns_ < (terminal_ ? between_drawings_ns : between_lines_ns)) return;
    begun_ = true;
    shown_ns_ = now_ns;
    if (terminal_) {
        // A full last column would begin another line on some terminals.
        fmt::print(out_, "\r{}\x1b[K", calibration_bar(progress, columns_of(out_) - 1));
        drawn_ = true;
    } else {
        fmt::print(out_, "{}\n", calibration_bar(progress, std::string::npos));
    }
    std::fflush(out_);
}

}  // namespace escapement::command
