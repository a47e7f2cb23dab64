#include "subcommands.hpp"

#include "numbers_as_written.hpp"

namespace escapement::command {

void add_subcommands(CLI::App& app, const Command& command, int& status) {
    app.name("escapement");
    app.description(
        "Makes the threads of an emulator take their turns in the same order every time, so that a run,\n"
        "a recording or a replay comes out the same, byte for byte.");
    app.require_subcommand(1);
    add_run(app, command, status);
    add_verify(app, command, status);
    add_diff(app, status);
    add_doctor(app, command, status);
    add_log(app, status);
    add_calibrate(app, status);
    add_trace(app, status);
    add_campaign(app, status);
    take_numbers_as_written(app);
}

}  // namespace escapement::command
