#include "command_tree.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace escapement::pages {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);)
        if (!part.empty()) parts.push_back(part);
    return parts;
}

std::vector<std::string> paragraphs_of(const std::string& text) {
    std::vector<std::string> paragraphs;
    std::string paragraph;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        if (!line.empty()) {
            paragraph += (paragraph.empty() ? "" : "\n") + line;
        } else if (!paragraph.empty()) {
            paragraphs.push_back(std::move(paragraph));
            paragraph.clear();
        }
    }
    if (!paragraph.empty()) paragraphs.push_back(paragraph);
    return paragraphs;
}

bool is_choice(const std::string& word) {
    return std::any_of(word.begin(), word.end(),
                       [](char letter) { return std::islower(static_cast<unsigned char>(letter)) != 0; });
}

ValueKind kind_of(const std::string& value, bool by_position) {
    const auto tells_of = [&value](const char* word) { return value.find(word) != std::string::npos; };
    if (tells_of("DIR")) return ValueKind::directory;
    if (by_position || tells_of("FILE") || tells_of("JOURNAL") || tells_of("PROFILE")) return ValueKind::file;
    return ValueKind::other;
}

// "N (5)": a name for the value, and what it is if it is not given; "FILE|none": a name and a choice.
void read_option_text(const std::string& text, Option& option) {
    const std::size_t space = text.find(' ');
    for (const std::string& word : split(text.substr(0, space), '|')) {
        if (is_choice(word)) {
            if (std::find(option.choices.begin(), option.choices.end(), word) == option.choices.end())
                option.choices.push_back(word);
        } else {
            option.value = word;
        }
    }
    if (space != std::string::npos && text[space + 1] == '(')
        option.initial = text.substr(space + 2, text.find(')', space) - space - 2);
}

Option option_of(const CLI::Option& parsed) {
    Option option;
    const bool by_position = parsed.get_positional();
    for (const std::string& name : parsed.get_snames())
        option.names.push_back("-" + name);
    for (const std::string& name : parsed.get_lnames())
        option.names.push_back("--" + name);
    option.description = parsed.get_description();
    option.required = parsed.get_required();
    option.initial = parsed.get_default_str();
    if (parsed.get_expected_max() == 0 || parsed.get_type_size() == 0) return option;

    // As in "TEXT:{free,ticktock}": CLI11 tells of a check's words only so.
    const std::string type = parsed.get_type_name();
    if (const std::size_t brace = type.find('{'); brace != std::string::npos)
        option.choices = split(type.substr(brace + 1, type.find('}') - brace - 1), ',');
    option.value = by_position ? parsed.get_name() : type.substr(0, type.find(':'));
    if (option.value == "UINT" || option.value == "INT") option.value = "N";
    if (option.value == "TEXT") option.value = "VALUE";
    if (!parsed.get_option_text().empty()) read_option_text(parsed.get_option_text(), option);
    option.kind = option.value.empty() || !option.choices.empty() ? ValueKind::words
                                                                  : kind_of(option.value, by_position);
    if (!option.choices.empty() && kind_of(option.value, by_position) == ValueKind::file)
        option.kind = ValueKind::file;
    return option;
}

Subcommand subcommand_of(CLI::App& app) {
    Subcommand result;
    result.name = app.get_name();
    std::vector<std::string> description = paragraphs_of(app.get_description());
    for (const CLI::Option* const parsed : app.get_options()) {
        Option option = option_of(*parsed);
        (option.names.empty() ? result.positions : result.options).push_back(std::move(option));
    }
    // Who is not called as CLI11 thinks says so first.
    const std::string usage = "escapement " + result.name + " ";
    if (!description.empty() && description.front().rfind(usage, 0) == 0) {
        result.synopsis = description.front().substr(usage.size());
        result.takes_command = result.synopsis.find("-- COMMAND") != std::string::npos;
        description.erase(description.begin());
    } else {
        result.synopsis = "[OPTIONS]";
        for (const Option& position : result.positions)
            result.synopsis += " " + position.value;
    }
    result.description = std::move(description);
    const std::string label = "Exit status: ";
    for (const std::string& paragraph : paragraphs_of(app.get_footer())) {
        if (paragraph.rfind(label, 0) == 0) {
            result.exit_status = paragraph.substr(label.size());
        } else {
            result.notes.push_back(paragraph);
        }
    }
    return result;
}

// What is passed on to `run` may be what it may be there.
void adopt_values(Subcommand& subcommand, const Subcommand& run) {
    for (Option& option : subcommand.options) {
        if (option.value != "VALUE") continue;
        for (const Option& original : run.options) {
            if (original.names != option.names || original.value.empty()) continue;
            option.kind = original.kind;
            option.choices = original.choices;
            option.value = original.value;
        }
    }
}

}  // namespace

std::string Subcommand::brief() const {
    std::string text = description.empty() ? "" : description.front();
    std::replace(text.begin(), text.end(), '\n', ' ');
    text += ' ';
    text.resize(std::min({text.find(". "), text.find(": "), text.size() - 1}));
    if (!text.empty())
        text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
    return text;
}

std::vector<Subcommand> command_tree(CLI::App& app) {
    std::vector<Subcommand> tree{subcommand_of(app)};
    tree.front().name.clear();
    tree.front().synopsis = "SUBCOMMAND [OPTIONS]";
    for (CLI::App* const subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!subcommand->get_name().empty()) tree.push_back(subcommand_of(*subcommand));
    const auto run =
        std::find_if(tree.begin(), tree.end(), [](const Subcommand& one) { return one.name == "run"; });
    if (run != tree.end()) {
        const Subcommand original = *run;
        for (Subcommand& subcommand : tree)
            adopt_values(subcommand, original);
    }
    return tree;
}

}  // namespace escapement::pages
