// Writes the manual pages and the completions of shells, as they are installed below share/.
//
//   escapement_pages DIRECTORY HEADER SECTIONS DATE
//
// DIRECTORY gets man/man1, man/man3, bash-completion, zsh and fish; HEADER is escapement.h, SECTIONS what
// escapement(1) has besides the options, DATE stands at the foot of each page.

#include "pages.hpp"

#include <subcommands.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

namespace pages = escapement::pages;

std::string content(const std::filesystem::path& path) {
    std::ifstream file;
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file;
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(path);
    file << text;
    file.close();
}

void write_all(const std::filesystem::path& directory, const std::string& header, const std::string& sections,
               const std::string& date) {
    CLI::App app;
    int status = 0;
    const escapement::command::Command none;
    escapement::command::add_subcommands(app, none, status);
    app.set_version_flag("--version", "");
    const pages::Tree tree = pages::command_tree(app);

    const std::filesystem::path commands = directory / "man" / "man1";
    write(commands / "escapement.1", pages::command_page(tree, date, sections));
    for (const pages::Subcommand& subcommand : tree)
        if (!subcommand.name.empty())
            write(commands / ("escapement-" + subcommand.name + ".1"),
                  pages::subcommand_page(subcommand, tree, date));

    const std::filesystem::path functions = directory / "man" / "man3";
    const pages::HeaderPage interface = pages::header_page(header, date);
    write(functions / "escapement.3", interface.page);
    for (const std::string& function : interface.functions)
        write(functions / (function + ".3"), ".so man3/escapement.3\n");

    write(directory / "bash-completion" / "completions" / "escapement", pages::bash_completion(tree));
    write(directory / "zsh" / "_escapement", pages::zsh_completion(tree));
    write(directory / "fish" / "vendor_completions.d" / "escapement.fish", pages::fish_completion(tree));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: escapement_pages DIRECTORY HEADER SECTIONS DATE\n", stderr);
        return 2;
    }
    try {
        // Of another build there may be pages of what is gone.
        std::filesystem::remove_all(argv[1]);
        write_all(argv[1], content(argv[2]), content(argv[3]), argv[4]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "escapement_pages: %s: %s\n", argv[1], error.what());
        return 1;
    }
    return 0;
}
