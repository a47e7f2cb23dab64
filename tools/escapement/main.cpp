#include "commands.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    int status = 0;
    try {
        CLI::App app{
            "Makes the threads of an emulator take their turns in the same order every time, so that a run,\n"
            "a recording or a replay comes out the same, byte for byte.",
            "escapement"};
        app.set_version_flag("--version", "escapement " ESCAPEMENT_VERSION);
        app.require_subcommand(1);
        escapement::command::add_run(app, status);
        escapement::command::add_verify(app, status);
        escapement::command::add_diff(app, status);
        escapement::command::add_log(app, status);
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            const int code = app.exit(error);
            return code == 0 ? 0 : 2;
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "escapement: %s\n", error.what());
        return 2;
    }
    return status;
}
