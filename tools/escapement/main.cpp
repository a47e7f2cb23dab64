#include "subcommands.hpp"
#include "version.hpp"

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

        CLI::App app;
        escapement::command::add_subcommands(app, command, status);
        app.set_version_flag("--version", escapement::command::version);
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
