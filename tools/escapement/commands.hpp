#pragma once
// The subcommands of `escapement`, a file each. Every function adds one subcommand to `app`; when it was chosen,
// parsing calls it, and it stores what the process is to exit with in `status`. Nothing throws past main().

#include <CLI/CLI.hpp>

namespace escapement::command {

void add_run(CLI::App& app, int& status);
void add_log(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_verify(CLI::App& app, int& status);

}  // namespace escapement::command
