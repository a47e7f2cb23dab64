#include "verify_execute.hpp"

#include "own_program.hpp"
#include "verify_compare.hpp"
#include "verify_statistics.hpp"

#include <fmt/format.h>
#include <string.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace escapement::verify {
namespace {

constexpr std::streamoff longest_tail = 4096;

/// The end of a file, which may be missing.
std::string tail_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) return {};
    const std::streamoff size = file.tellg();
    file.seekg(size > longest_tail ? size - longest_tail : 0);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The last line that says something.
std::string last_words(const std::string& text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string::npos) return {};
    const std::size_t before = text.find_last_of('\n', end);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return text.substr(begin, end - begin + 1);
}

void read_statistics(const std::string& path, Execution& execution) {
    execution.statistics = contents_of(path);
    if (execution.statistics.empty()) {
        execution.failures.emplace_back("left no statistics");
        return;
    }
    auto statistics = parse_statistics(execution.statistics);
    if (!statistics) {
        execution.failures.push_back(statistics.error());
        return;
    }
    execution.incidents = std::move(statistics->incidents);
}

}  // namespace

std::string output_of(const std::string& directory) {
    return directory + "/output";
}

std::string explain_end(const ChildEnd& end, const std::string& errors) {
    std::string text;
    switch (end.kind) {
        case ChildEnd::Kind::exited:
            if (end.code == 0) return {};
            text = fmt::format("ended with exit status {}", end.code);
            break;
        case ChildEnd::Kind::signalled:
            text = fmt::format("was ended by signal {} ({})", end.code, sigdescr_np(end.code));
            break;
        case ChildEnd::Kind::timed_out:
            text = fmt::format("had not ended after {:.1f} s and was killed", seconds_of(end.wall));
            break;
        case ChildEnd::Kind::interrupted:
            text = "was interrupted";
            break;
    }
    const std::string words = last_words(errors);
    if (!words.empty()) text += fmt::format("; its last words: {}", printable(words, 300));
    return text;
}

Executor::Executor(const Options& options, Interruption& interruption, std::function<void()> on_tick)
    : options_(options), interruption_(interruption), on_tick_(std::move(on_tick)) {}

tl::expected<Execution, std::string> Executor::execute(Mode mode, const std::vector<std::string>& command,
                                                       const Places& places) {
    const auto self = command::own_program();
    if (!self) return tl::make_unexpected(self.error());

    const std::string statistics = places.directory + "/statistics.json";
    ChildRequest request;
    request.arguments = arguments_for(mode, fill_in(command, places), options_.settings, *self, statistics);
    request.standard_output = output_of(places.directory);
    request.standard_error = places.directory + "/errors";
    request.time_limit = options_.time_limit;
    request.grace = options_.grace;
    request.cpus = options_.cpus;
    request.on_tick = on_tick_;
    auto end = run_child(request, interruption_);
    if (!end) return tl::make_unexpected(end.error());

    Execution execution;
    execution.end = *end;
    const std::string failure = explain_end(*end, tail_of(request.standard_error));
    if (!failure.empty()) execution.failures.push_back(failure);
    // A run that was killed had no time to write them.
    if (mode != Mode::stock && end->succeeded()) read_statistics(statistics, execution);
    return execution;
}

std::string Executor::diff(const std::string& a, const std::string& b, const std::string& file) {
    const auto self = command::own_program();
    if (!self) return {};
    ChildRequest request;
    request.arguments = {*self, "diff", "--", a, b};
    request.standard_output = file;
    const auto end = run_child(request, interruption_);
    // 1: they differ. Anything else is no answer.
    const bool answered = end && end->kind == ChildEnd::Kind::exited && end->code == 1;
    return answered ? contents_of(file) : std::string();
}

}  // namespace escapement::verify
