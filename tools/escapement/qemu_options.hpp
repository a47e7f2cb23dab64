#pragma once
// What a QEMU command line says about a run before it begins.

#include <string>
#include <vector>

namespace escapement::command {

/// A line for each thing on the command line that no order can make reproducible; empty if `command` is no
/// QEMU that records or replays. The reasons are in the README.
std::vector<std::string> qemu_warnings(const std::vector<std::string>& command);

}  // namespace escapement::command
