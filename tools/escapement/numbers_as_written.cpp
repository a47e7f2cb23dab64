// How numbers on the command line are read.

#include "numbers_as_written.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace escapement::command {

namespace {

/// Puts `text` as CLI11 reads it right, or says what is wrong with it.
std::string whole_number(std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec == std::errc::result_out_of_range)
        return fmt::format("'{}' is more than can be counted", text);
    if (read.ec != std::errc() || read.ptr != end) return fmt::format("'{}' is no whole number", text);
    text = std::to_string(value);
    return {};
}

std::string finite_number(std::string& text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(value))
        return fmt::format("'{}' is no number", text);
    return {};
}

void take_numbers_of(CLI::App& subcommand) {
    for (CLI::Option* const option : subcommand.get_options()) {
        const std::string type = option->get_type_name();
        const auto is = [&type](std::string_view name) { return type.substr(0, type.find(':')) == name; };
        if (is("UINT") || is("INT")) option->transform(CLI::Validator(whole_number, ""));
        if (is("FLOAT")) option->transform(CLI::Validator(finite_number, ""));
    }
}

}  // namespace

void take_numbers_as_written(CLI::App& app) {
    for (CLI::App* const subcommand : app.get_subcommands([](CLI::App*) { return true; }))
        take_numbers_of(*subcommand);
}

}  // namespace escapement::command
