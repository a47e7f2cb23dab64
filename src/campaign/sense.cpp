#include "campaign/sense.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>

namespace escapement::campaign {

namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

bool contains(const std::vector<std::string>& texts, std::string_view part) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return contains(text, part); });
}

bool is_number(const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end;
}

bool is_setting_name(const std::string& name) {
    const auto letter = [](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
    };
    const auto other = [&](char each) {
        return letter(each) || (each >= '0' && each <= '9') || each == '_' || each == '-';
    };
    return !name.empty() && name.size() <= 60 && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), other);
}

/// What is wrong with a value of an option of `escapement run`, as far as that can be told before it runs.
std::string wrong_value(const std::string& option, const std::string& value) {
    const auto one_of = [&](std::initializer_list<const char*> names) {
        const auto is = [&](const char* name) { return value == name; };
        if (std::any_of(names.begin(), names.end(), is)) return std::string();
        return fmt::format("expected one of {}, found \"{}\"", fmt::join(names, ", "), value.substr(0, 60));
    };
    if (option == "policy") return one_of({"counted", "ticktock", "free"});
    if (option == "clock") return one_of({"auto", "reported", "perf", "stepped", "operations"});
    if (option == "time") return one_of({"virtual", "real"});
    if ((option == "quantum" || option == "seed" || option == "margin") && !is_number(value))
        return fmt::format("expected a whole number, found \"{}\"", value.substr(0, 60));
    return {};
}

/// How many cells a plan has, or more than can be.
std::uint64_t count_cells(const Plan& plan, std::uint64_t& runs) {
    std::uint64_t cells = 0;
    runs = 0;
    for (const Guest& guest : plan.guests) {
        std::uint64_t ordered = 1;
        std::uint64_t stock = plan.stock_runs > 0 ? 1 : 0;
        for (const Setting& setting : plan.settings) {
            const bool used = uses(guest, setting.name);
            if (used) stock *= setting.values.size();
            if (used || is_run_option(setting.name)) ordered *= setting.values.size();
            if (ordered > most_cells) return ordered;
        }
        cells += ordered + stock;
        runs += ordered * plan.runs + stock * plan.stock_runs;
        if (cells > most_cells) return cells;
    }
    return cells;
}

}  // namespace

std::string nonsense(const Guest& guest) {
    if (guest.command.front().empty()) return "/command/0: it is empty";
    for (std::size_t index = 0; index < guest.consoles.size(); ++index) {
        if (!contains(guest.consoles[index], "{dir}"))
            return fmt::format(
                "/consoles/{}: there is no {{dir}} in it, so that all runs would write the same file: let "
                "the "
                "command write to {{dir}}/NAME",
                index);
    }
    if (guest.journal && contains(guest.command, "{}"))
        return "/command: with a journal, that is what is compared, and {} stands for nothing";
    if (guest.replay && !guest.journal && !contains(guest.command, "rr=record"))
        return "/replay: there is nothing to replay: neither rr=record in the command, nor \"journal\": true";
    return {};
}

std::string nonsense(const Setting& setting) {
    if (!is_setting_name(setting.name))
        return "a setting's name begins with a letter, and has letters, digits, _ and - in it";
    if (setting.name == "dir") return "{dir} stands for the run's directory already";
    std::set<std::string> seen;
    for (std::size_t index = 0; index < setting.values.size(); ++index) {
        const std::string& value = setting.values[index];
        if (!seen.insert(value).second) return fmt::format("/{}: \"{}\" is there twice", index, value);
        if (const auto wrong = wrong_value(setting.name, value); !wrong.empty())
            return fmt::format("/{}: {}", index, wrong);
    }
    return {};
}

std::string nonsense(const Plan& plan) {
    std::set<std::string> names;
    for (std::size_t index = 0; index < plan.guests.size(); ++index) {
        if (!names.insert(plan.guests[index].name).second)
            return fmt::format("/guests/{}/name: \"{}\" is there twice", index, plan.guests[index].name);
    }
    for (const Setting& setting : plan.settings) {
        const auto uses_it = [&](const Guest& guest) { return uses(guest, setting.name); };
        if (!is_run_option(setting.name) && std::none_of(plan.guests.begin(), plan.guests.end(), uses_it))
            return fmt::format(
                "/settings/{0}: no guest's command has {{{0}}} in it, and `escapement run` has no such "
                "option to "
                "vary; those are: {1}",
                setting.name, fmt::join(run_options, ", "));
    }
    std::uint64_t runs = 0;
    const std::uint64_t cells = count_cells(plan, runs);
    if (cells > most_cells)
        return fmt::format("/settings: more than {} cells: guests times settings are too many", most_cells);
    if (runs > most_runs) return fmt::format("/runs: {} runs in all are more than {}", runs, most_runs);
    return {};
}

}  // namespace escapement::campaign
