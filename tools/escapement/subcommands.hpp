#pragma once
// The whole command line, for the command and for what tells of it (tools/pages).

#include "commands.hpp"

namespace escapement::command {

/// All subcommands, in the order in which the help names them.
void add_subcommands(CLI::App& app, const Command& command, int& status);

}  // namespace escapement::command
