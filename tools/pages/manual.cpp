// The pages of section 1.

#include "mdoc.hpp"
#include "pages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace escapement::pages {

namespace {

// As arguments of a line's macro.
std::string item(const Option& option) {
    std::string words;
    for (const std::string& name : option.names)
        words += fmt::format("{}Fl {}", words.empty() ? "" : " , ", escaped(name.substr(1)));
    if (option.names.empty()) return words + "Ar " + escaped(option.value);
    if (option.kind == ValueKind::words)
        return words + fmt::format(" Cm {}", fmt::join(option.choices, " | "));
    if (!option.value.empty()) words += " Ar " + escaped(option.value);
    if (!option.choices.empty()) words += fmt::format(" | Cm {}", fmt::join(option.choices, " | "));
    return words;
}

std::string list(const std::vector<Option>& options) {
    std::string text = ".Bl -tag -width Ds\n";
    for (const Option& option : options) {
        std::string description = option.description;
        if (!option.initial.empty()) description += fmt::format(" (default: {})", option.initial);
        if (option.required && !option.names.empty()) description += " (required)";
        text += fmt::format(".It {}\n{}", item(option), filled(description));
    }
    return text + ".El\n";
}

std::string paragraphs(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& one : all)
        add_paragraph(text, paragraph(one));
    return text;
}

// "[OPTIONS] -- COMMAND [ARGUMENTS]..." as macros.
std::string synopsis(const Subcommand& subcommand) {
    std::string text = ".Nm escapement\n";
    if (!subcommand.name.empty()) text += fmt::format(".Cm {}\n", subcommand.name);
    return text + ".Ar " + escaped(subcommand.synopsis) + "\n";
}

std::string see_also(const Tree& tree, const Subcommand& self) {
    std::vector<std::string> pages;
    for (const Subcommand& other : tree)
        if (other.name != self.name)
            pages.push_back(other.name.empty() ? "escapement" : "escapement-" + other.name);
    std::sort(pages.begin(), pages.end());
    std::string text = ".Sh SEE ALSO\n";
    for (const std::string& page : pages)
        text += fmt::format(".Xr {} 1 ,\n", page);
    return text + ".Xr escapement 3\n";
}

}  // namespace

std::string command_page(const Tree& tree, const std::string& date, const std::string& more) {
    const Subcommand& self = tree.front();
    std::string page = page_head(date, "escapement", 1);
    page += ".Sh NAME\n.Nm escapement\n.Nd " + escaped(self.brief()) + "\n";
    page += ".Sh SYNOPSIS\n" + synopsis(self);
    page += ".Sh DESCRIPTION\n" + paragraphs(self.description);
    page += ".Pp\nThe subcommands, each with a page of its own:\n.Bl -tag -width calibrate\n";
    for (const Subcommand& subcommand : tree)
        if (!subcommand.name.empty())
            page += fmt::format(".It Cm {}\n{}", subcommand.name, filled(subcommand.brief()));
    page += ".El\n.Pp\nOptions of its own:\n" + list(self.options);
    return page + more + see_also(tree, self);
}

std::string subcommand_page(const Subcommand& subcommand, const Tree& tree, const std::string& date) {
    std::string page = page_head(date, "escapement-" + subcommand.name, 1);
    page +=
        fmt::format(".Sh NAME\n.Nm escapement-{}\n.Nd {}\n", subcommand.name, escaped(subcommand.brief()));
    page += ".Sh SYNOPSIS\n" + synopsis(subcommand);
    page += ".Sh DESCRIPTION\n" + paragraphs(subcommand.description);
    if (!subcommand.positions.empty()) page += list(subcommand.positions);
    page += ".Pp\nThe options are:\n" + list(subcommand.options);
    if (!subcommand.notes.empty()) page += ".Pp\n" + paragraphs(subcommand.notes);
    if (!subcommand.exit_status.empty()) page += ".Sh EXIT STATUS\n" + filled(subcommand.exit_status);
    return page + see_also(tree, subcommand);
}

}  // namespace escapement::pages
