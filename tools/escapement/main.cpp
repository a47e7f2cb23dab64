#include "commands.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

int main(int argc, char** argv) {
    int status = 0;
    try {
        char** const end = argv + argc;
        char** const dashes =
            std::find_if(argv, end, [](const char* word) { return std::string_view(word) == "--"; });
        const escapement::command::Command command(dashes == end ? end : dashes + 1, end);

        CLI::App app{
            "Makes the threads of an emulator take their turns in the same order every time, so that a run,\n"
            "a recording or a replay comes out the same, byte for byte.",
            "escapement"};
        app.set_version_flag("--version", "escapement " ESCAPEMENT_VERSION);
        app.require_subcommand(1);
        escapement::command::add_run(app, command, status);
        escapement::command::add_verify(app, command, status);
        escapement::command::add_diff(app, status);
        escapement::command::add_doctor(app, command, status);
        escapement::command::add_log(app, status);
        escapement::command::add_calibrate(app, status);
        escapement::command::add_trace(app, status);
        try {
            app.parse(static_cast<int>(dashes - argv), argv);
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
