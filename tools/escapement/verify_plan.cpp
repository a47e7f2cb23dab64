#include "verify_plan.hpp"

#include "verify_consoles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace escapement::verify {
namespace {

constexpr std::string_view artifact_placeholder = "{}";
constexpr std::string_view directory_placeholder = "{dir}";

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

bool is_word(char character) {
    return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_' || character == '-';
}

/// The position of `word` at or after `from` where it is not part of a longer word.
std::size_t find_word(const std::string& text, std::string_view word, std::size_t from) {
    for (std::size_t at = text.find(word, from); at != std::string::npos; at = text.find(word, at + 1)) {
        const std::size_t after = at + word.size();
        if ((at == 0 || !is_word(text[at - 1])) && (after == text.size() || !is_word(text[after]))) return at;
    }
    return std::string::npos;
}

}  // namespace

std::string fill_in(const std::string& text, const Places& places) {
    std::string filled;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text.compare(at, artifact_placeholder.size(), artifact_placeholder) == 0) {
            filled += places.artifact;
            at += artifact_placeholder.size();
        } else if (text.compare(at, directory_placeholder.size(), directory_placeholder) == 0) {
            filled += places.directory;
            at += directory_placeholder.size();
        } else {
            filled += text[at++];
        }
    }
    return filled;
}

std::vector<std::string> fill_in(const std::vector<std::string>& command, const Places& places) {
    std::vector<std::string> filled;
    filled.reserve(command.size());
    for (const std::string& argument : command)
        filled.push_back(fill_in(argument, places));
    return filled;
}

std::optional<std::vector<std::string>> as_replay(const std::vector<std::string>& command) {
    constexpr std::string_view record = "rr=record";
    std::vector<std::string> replay = command;
    bool found = false;
    for (std::string& argument : replay) {
        for (std::size_t at = find_word(argument, record, 0); at != std::string::npos;
             at = find_word(argument, record, at + 1)) {
            argument.replace(at, record.size(), "rr=replay");
            found = true;
        }
    }
    if (!found) return std::nullopt;
    return replay;
}

std::optional<std::string> split_by_comma(const std::vector<std::string>& command, const std::string& path) {
    if (!contains(path, ",")) return std::nullopt;
    for (const std::string& argument : command) {
        const bool placed =
            contains(argument, artifact_placeholder) || contains(argument, directory_placeholder);
        if (placed && contains(argument, "=")) return argument;
    }
    return std::nullopt;
}

tl::expected<Plan, std::string> make_plan(std::vector<std::string> command, std::vector<std::string> consoles,
                                          Artifact artifact) {
    Plan plan;
    plan.has_artifact = artifact == Artifact::journal ||
                        std::any_of(command.begin(), command.end(), [](const std::string& argument) {
                            return contains(argument, artifact_placeholder);
                        });
    for (const std::string& console : consoles) {
        if (!contains(console, directory_placeholder)) {
            return tl::make_unexpected(
                "--console " + console +
                " has no {dir} in it, so that all runs would write the same file: let COMMAND "
                "write its console to {dir}/NAME, and give --console {dir}/NAME");
        }
    }
    if (consoles.empty()) {
        Consoles found = redirect_consoles(std::move(command));
        command = std::move(found.command);
        consoles = std::move(found.files);
        plan.console_on_output = found.on_output;
        plan.notes = std::move(found.notes);
    }
    plan.consoles = std::move(consoles);
    if (artifact == Artifact::journal) plan.console_on_output = true;
    if (!plan.has_artifact && plan.consoles.empty() && !plan.console_on_output) {
        return tl::make_unexpected(
            std::string("nothing to compare: put {} into COMMAND where it takes the file that it makes, for "
                        "example rrfile={}"));
    }
    plan.replay = as_replay(command).value_or(std::vector<std::string>{});
    plan.record = std::move(command);
    return plan;
}

std::vector<std::string> arguments_for(Mode mode, const std::vector<std::string>& command,
                                       const Settings& settings, const std::string& escapement,
                                       const std::string& statistics) {
    if (mode == Mode::stock) return command;
    std::vector<std::string> arguments{escapement, "run"};
    for (const auto& [name, value] : settings) {
        if (mode == Mode::ticktock && name == "policy") continue;
        arguments.push_back(fmt::format("--{}={}", name, value));
    }
    if (mode == Mode::ticktock) arguments.emplace_back("--policy=ticktock");
    arguments.push_back("--stats=" + statistics);
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), command.begin(), command.end());
    return arguments;
}

std::string name_of(Mode mode, const Settings& settings) {
    if (mode == Mode::stock) return "stock";
    if (mode == Mode::ticktock) return "tick-tock";
    for (const auto& [name, value] : settings) {
        if (name == "policy") return value;
    }
    return "counted";
}

}  // namespace escapement::verify
