#pragma once
// What a QEMU command line says about a run before it begins.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace escapement::command {

/// A line for each thing on the command line that no order can make reproducible; empty if `command` is no
/// QEMU that records or replays. The reasons are in the README.
std::vector<std::string> qemu_warnings(const std::vector<std::string>& command);

/// True if the program at this path is one by its name.
bool is_qemu(std::string_view program);

/// What follows the option `name` (without dashes) in `command`: "" if nothing does; absent without the
/// option.
std::optional<std::string> option_value(const std::vector<std::string>& command, std::string_view name);

}  // namespace escapement::command
