#include "verify_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace escapement::verify {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string minutes(seconds time) {
    const auto count = time.count();
    if (count < 60) return fmt::format("{} s", count);
    return fmt::format("{} min {} s", count / 60, count % 60);
}

}  // namespace

std::string progress_bar(int done, int executions, const std::string& label, seconds current, seconds total) {
    constexpr int width = 24;
    const int filled = executions > 0 ? std::clamp(done * width / executions, 0, width) : width;
    std::string bar(static_cast<std::size_t>(filled), '#');
    bar.append(static_cast<std::size_t>(width - filled), '.');
    std::string text = fmt::format("[{}] {} of {}, {}: {} s", bar, done, executions, label, current.count());
    if (done > 0 && done < executions) {
        const seconds rest = total * (executions - done) / done;
        text += fmt::format(", about {} left", minutes(std::max(rest - current, seconds{1})));
    }
    return text;
}

bool is_terminal(std::FILE* out) {
    const char* kind = std::getenv("TERM");
    return isatty(fileno(out)) != 0 && kind != nullptr && std::string_view(kind) != "dumb";
}

Progress::Progress(std::FILE* out, bool terminal, int executions)
    : out_(out), terminal_(terminal), executions_(executions), start_(steady_clock::now()), begun_(start_) {}

Progress::~Progress() {
    erase();
}

void Progress::begin(std::string label) {
    label_ = std::move(label);
    begun_ = steady_clock::now();
    tick();
}

void Progress::tick() {
    if (!terminal_) return;
    const auto now = steady_clock::now();
    // Carriage return, the text, and "erase to the end of the line".
    fmt::print(out_, "\r{}\x1b[K",
               progress_bar(done_, executions_, label_, duration_cast<seconds>(now - begun_),
                            duration_cast<seconds>(begun_ - start_)));
    std::fflush(out_);
    drawn_ = true;
}

void Progress::finish(const std::string& line) {
    ++done_;
    if (!terminal_) note(line);
}

void Progress::note(const std::string& line) {
    erase();
    fmt::print(out_, "{}\n", line);
    std::fflush(out_);
}

void Progress::erase() {
    if (!drawn_) return;
    fmt::print(out_, "\r\x1b[K");
    std::fflush(out_);
    drawn_ = false;
}

}  // namespace escapement::verify
