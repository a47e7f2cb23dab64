#include "pages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace escapement::pages {

namespace {

// Within single quotes, in a description of _arguments.
std::string described(const std::string& text) {
    std::string result;
    for (const char letter : text) {
        if (letter == '\'') {
            result += "'\\''";
        } else {
            if (letter == '[' || letter == ']' || letter == ':' || letter == '\\') result += '\\';
            result += letter;
        }
    }
    return result;
}

std::string action(const Option& option) {
    if (option.kind == ValueKind::directory) return "_files -/";
    if (option.kind != ValueKind::file)
        return option.choices.empty() ? " " : fmt::format("({})", fmt::join(option.choices, " "));
    if (option.choices.empty()) return "_files";
    return fmt::format("_alternative \"words::({})\" \"files::_files\"", fmt::join(option.choices, " "));
}

std::string specifications(const Subcommand& subcommand) {
    std::string text;
    for (const Option& option : subcommand.options) {
        const std::string message = option.value.empty() ? "value" : described(option.value);
        const std::string value =
            option.kind == ValueKind::none ? "" : fmt::format(":{}:{}", message, action(option));
        for (const std::string& name : option.names)
            // A long option's value may follow "=", a short one's the letter.
            text += fmt::format(" \\\n            '*{}{}[{}]{}'", name,
                                value.empty() ? "" : (name[1] == '-' ? "=" : "+"),
                                described(option.description), value);
    }
    for (const Option& position : subcommand.positions)
        text += fmt::format(" \\\n            ':{}:{}'", described(position.value), action(position));
    return text;
}

}  // namespace

std::string zsh_completion(const Tree& tree) {
    std::string subcommands;
    std::string cases;
    std::vector<std::string> commands;
    for (const Subcommand& subcommand : tree) {
        if (subcommand.name.empty()) continue;
        subcommands += fmt::format("        '{}:{}'\n", subcommand.name, described(subcommand.brief()));
        cases += fmt::format("    {})\n        _arguments{}\n        ;;\n", subcommand.name,
                             specifications(subcommand));
        if (subcommand.takes_command) commands.push_back(subcommand.name);
    }
    return fmt::format(R"(#compdef escapement
# Completion of `escapement` for zsh; made from its options.
_escapement() {{
    local -a subcommands=(
{}    )
    if (( CURRENT == 2 )); then
        if [[ $PREFIX == -* ]]; then
            _arguments{}
        else
            _describe subcommand subcommands
        fi
        return
    fi
    local subcommand=$words[2]
    # What follows `--` is another command's.
    local -i dashes=${{words[(i)--]}}
    if (( dashes < CURRENT )); then
        [[ $subcommand == ({}) ]] || return 1
        words=("${{(@)words[dashes + 1, -1]}}")
        (( CURRENT -= dashes ))
        _normal
        return
    fi
    shift words
    (( CURRENT -= 1 ))
    case $subcommand in
{}    esac
}}
_escapement "$@"
)",
                       subcommands, specifications(tree.front()), fmt::join(commands, "|"), cases);
}

}  // namespace escapement::pages
