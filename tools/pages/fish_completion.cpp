#include "pages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace escapement::pages {

namespace {

constexpr const char* beginning = R"(# Completion of `escapement` for fish; made from its options.
function __escapement_after_dashes
    contains -- -- (commandline -opc)
end
function __escapement_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv; and not __escapement_after_dashes
end
function __escapement_command
    set -l words (commandline -opc) (commandline -ct)
    set -l rest $words[(math 1 + (contains -i -- -- $words))..]
    complete -C (string join ' ' -- (string escape -- $rest[..-2]) $rest[-1])
end
complete -c escapement -f
complete -c escapement -n __escapement_after_dashes -xa '(__escapement_command)'
)";

std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char letter : text) {
        if (letter == '\'' || letter == '\\') result += '\\';
        result += letter;
    }
    return result + "'";
}

std::string values(const Option& option) {
    std::string text;
    if (option.kind == ValueKind::none) return text;
    text = option.kind == ValueKind::file ? " -rF" : " -x";
    if (option.kind == ValueKind::directory) return text + " -a '(__fish_complete_directories)'";
    if (!option.choices.empty()) text += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
    return text;
}

}  // namespace

std::string fish_completion(const Tree& tree) {
    std::string text = beginning;
    for (const Subcommand& subcommand : tree) {
        const bool whole = subcommand.name.empty();
        const std::string condition =
            whole ? " -n __fish_use_subcommand" : fmt::format(" -n '__escapement_in {}'", subcommand.name);
        if (!whole)
            text += fmt::format("complete -c escapement -n __fish_use_subcommand -a {} -d {}\n",
                                subcommand.name, quoted(subcommand.brief()));
        for (const Option& option : subcommand.options) {
            std::string names;
            for (const std::string& name : option.names)
                names += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
            text += fmt::format("complete -c escapement{}{}{} -d {}\n", condition, names, values(option),
                                quoted(option.description));
        }
        for (const Option& position : subcommand.positions)
            if (position.kind == ValueKind::file) {
                text += fmt::format("complete -c escapement{} -F\n", condition);
                break;
            }
    }
    return text;
}

}  // namespace escapement::pages
