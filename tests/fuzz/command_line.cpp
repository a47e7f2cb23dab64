// Whatever words a command line holds, reading it ends well: in options, or in one error that says what is
// wrong. And what is read of its words as text ends well too: the plan of `verify`, the warnings of `run`.
// Nothing is executed. The input is the words after `escapement`, a line each.

#include "qemu_options.hpp"
#include "subcommands.hpp"
#include "verify_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace escapement;

void demand(bool truth) {
    if (!truth) std::abort();
}

/// Thrown when all is read, before anything is done: the subcommands' own callbacks hold what options are
/// read into, so they have to stay.
struct Parsed {};

/// One for all inputs: to describe it takes ten times as long as to read a command line.
struct CommandLine {
    command::Command words;
    int status = 0;
    CLI::App app;
    CommandLine() {
        command::add_subcommands(app, words, status);
        app.parse_complete_callback([] { throw Parsed(); });
    }
};

/// What was accepted as a number is the number that was written.
void check_numbers(const CLI::App& subcommand) {
    for (const CLI::Option* const option : subcommand.get_options()) {
        if (option->count() == 0) continue;
        const std::string type = option->get_type_name();
        if (type.starts_with("UINT") || type.starts_with("INT")) {
            for (const std::string& text : option->results()) {
                demand(!text.empty() &&
                       std::ranges::all_of(text, [](char letter) { return letter >= '0' && letter <= '9'; }));
            }
            if (option->results().size() == 1)
                demand(std::to_string(option->as<std::uint64_t>()) == option->reduced_results().front());
        }
        if (type.starts_with("FLOAT")) demand(std::isfinite(option->as<double>()));
    }
}

void parse(CommandLine& line, std::vector<const char*>& words) {
    try {
        line.app.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::ParseError& error) {
        // Help says nothing of the input.
        if (error.get_exit_code() == 0) return;
        std::ostringstream out;
        std::ostringstream err;
        demand(line.app.exit(error, out, err) != 0 && !err.str().empty());
        return;
    } catch (const Parsed&) {
    }
    const auto chosen = line.app.get_subcommands();
    demand(chosen.size() >= 1);
    for (const CLI::App* const subcommand : chosen)
        check_numbers(*subcommand);
}

void read_as_text(const command::Command& words, const std::vector<std::string>& consoles) {
    static_cast<void>(command::qemu_warnings(words));
    const auto plan = verify::make_plan(words, consoles);
    if (!plan) {
        demand(!plan.error().empty());
        return;
    }
    for (const std::string& console : plan->consoles)
        demand(console.find("{dir}") != std::string::npos);
    static_cast<void>(verify::split_by_comma(plan->record, "/tmp/a,b"));
    const auto filled = verify::fill_in(plan->record, {.directory = "/d{}", .artifact = "/a{dir}"});
    demand(filled.size() == plan->record.size());
    const auto arguments =
        verify::arguments_for(verify::Mode::ordered, filled, {{"seed", "1"}}, "escapement", "s");
    demand(arguments.size() > filled.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto* const line = new CommandLine;
    std::string text(reinterpret_cast<const char*>(data), size);
    std::replace(text.begin(), text.end(), '\0', ' ');
    std::vector<const char*> words{"escapement"};
    for (char* at = text.data(); at != text.data() + text.size();) {
        words.push_back(at);
        at = std::find(at, text.data() + text.size(), '\n');
        if (at != text.data() + text.size()) *at++ = '\0';
    }
    // As in main().
    const auto dashes = std::ranges::find(words, std::string_view("--"));
    line->words.assign(dashes == words.end() ? dashes : dashes + 1, words.end());
    words.erase(dashes, words.end());
    parse(*line, words);
    if (!line->words.empty()) {
        read_as_text(line->words, {});
        read_as_text(line->words, {line->words.back()});
    }
    return 0;
}
