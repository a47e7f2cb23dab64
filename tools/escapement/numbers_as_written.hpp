#pragma once
// Numbers on the command line.

#include <CLI/CLI.hpp>

namespace escapement::command {

/// Has the options of all subcommands take numbers as they are written: in decimal, whole ones without a
/// sign, and none that does not fit. (CLI11 takes -1 for the greatest number there is, 010 for eight, and nan
/// for one of every range.)
void take_numbers_as_written(CLI::App& app);

}  // namespace escapement::command
