#pragma once
// The subcommands of `escapement`, a file each. Every function adds one subcommand to `app`; when it was
// chosen, parsing calls it, and it stores what the process is to exit with in `status`. Nothing throws past
// main().
//
// `run`, `verify` and `doctor` get what follows `--` on the command line as it stands: CLI11 would take
// "[a,b]" for a list.

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace escapement::command {

using Command = std::vector<std::string>;

void add_run(CLI::App& app, const Command& command, int& status);
void add_verify(CLI::App& app, const Command& command, int& status);
void add_doctor(CLI::App& app, const Command& command, int& status);
void add_log(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_calibrate(CLI::App& app, int& status);
void add_trace(CLI::App& app, int& status);
void add_campaign(CLI::App& app, int& status);

/// Ends parsing with one line unless there is a COMMAND.
inline void require_command(const Command& command) {
    if (command.empty()) throw CLI::ValidationError("COMMAND", "what to run goes after --");
}

}  // namespace escapement::command
