// Needs no bash-completion, and uses it where it is there, for the command after `--`.

#include "pages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace escapement::pages {

namespace {

constexpr const char* beginning = R"(# Completion of `escapement` for bash; made from its options.
_escapement() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} subcommand=${COMP_WORDS[1]} number
    COMPREPLY=()
    # What follows `--` is another command's.
    for ((number = 2; number < COMP_CWORD; ++number)); do
        [[ ${COMP_WORDS[number]} == -- ]] || continue
        case $subcommand in
        @COMMANDS@)
            if declare -F _command_offset >/dev/null; then
                _command_offset $((number + 1))
            elif ((number + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            else
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
            fi
            ;;
        esac
        return
    done
    # "--option=word" comes as three words.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '@SUBCOMMANDS@' -- "$word")
        return
    fi
    local words='' paths='' options=''
    case $subcommand in
)";

constexpr const char* end = R"(    *) return ;;
    esac
    if [[ $word == -* ]]; then
        words=$options
        paths=
    fi
    [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ -z $paths ]] || {
        compopt -o filenames 2>/dev/null
        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen "$paths" -- "$word")
    }
}
complete -F _escapement escapement
)";

std::string paths(ValueKind kind) {
    if (kind == ValueKind::file) return " paths=-f";
    return kind == ValueKind::directory ? " paths=-d" : "";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    return text.replace(text.find(what), what.size(), with);
}

}  // namespace

std::string bash_completion(const Tree& tree) {
    std::vector<std::string> names;
    std::vector<std::string> commands;
    std::string cases;
    for (const Subcommand& subcommand : tree) {
        std::vector<std::string> options;
        std::string values;
        for (const Option& option : subcommand.options) {
            options.insert(options.end(), option.names.begin(), option.names.end());
            if (option.kind != ValueKind::none)
                values += fmt::format("        {}) words='{}'{} ;;\n", fmt::join(option.names, " | "),
                                      fmt::join(option.choices, " "), paths(option.kind));
        }
        if (subcommand.name.empty()) {
            names.insert(names.end(), options.begin(), options.end());
            continue;
        }
        names.push_back(subcommand.name);
        if (subcommand.takes_command) commands.push_back(subcommand.name);
        std::string otherwise = subcommand.takes_command ? " words=--" : "";
        if (!subcommand.positions.empty()) otherwise += paths(subcommand.positions.front().kind);
        cases += fmt::format(
            "    {})\n        options='{}{}'\n        case $before in\n{}        *){} ;;\n        esac\n"
            "        ;;\n",
            subcommand.name, fmt::join(options, " "), subcommand.takes_command ? " --" : "", values,
            otherwise);
    }
    // Where there is none, what no subcommand is called.
    if (commands.empty()) commands.emplace_back("''");
    return replaced(replaced(beginning, "@COMMANDS@", fmt::format("{}", fmt::join(commands, " | "))),
                    "@SUBCOMMANDS@", fmt::format("{}", fmt::join(names, " "))) +
           cases + end;
}

}  // namespace escapement::pages
