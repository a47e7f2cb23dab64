#include "ordered.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <sstream>

namespace programs {

namespace {

/// The surroundings of run number `number`: nothing here may be seen in what it does.
Start surroundings(const std::vector<std::string>& command, const Expectation& expectation,
                   const std::string& quantum, unsigned number) {
    static const char* const directories[] = {"", "/", "/usr/share", "/tmp"};
    std::vector<std::string> options = expectation.options;
    if (!quantum.empty()) options.insert(options.end(), {"--quantum", quantum});
    if (number % 2 == 1) options.insert(options.end(), {"--pin", "none"});
    return {.arguments = ordered(command, options),
            .more_environment = {"ESCAPEMENT_TEST_PADDING=" + std::string(number * number * 97, 'x')},
            .directory = directories[number % 4]};
}

/// Nothing is said but that the run is not reproducible, and why.
void require_only_marks(const std::string& errors) {
    std::istringstream lines(errors);
    for (std::string line; std::getline(lines, line);)
        REQUIRE(line.rfind("escapement: not reproducible: participant ", 0) == 0);
}

}  // namespace

std::string case_path(const std::string& name) {
    return std::string(ESCAPEMENT_CASES) + "/" + name;
}

std::vector<std::string> ordered(const std::vector<std::string>& command,
                                 const std::vector<std::string>& options) {
    std::vector<std::string> all = {ESCAPEMENT_COMMAND, "run"};
    all.insert(all.end(), options.begin(), options.end());
    all.emplace_back("--");
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

std::string results_of(const std::string& output) {
    std::istringstream lines(output);
    std::string results;
    for (std::string line; std::getline(lines, line);)
        if (line.rfind("order", 0) != 0) results += line + "\n";
    return results;
}

void expect_same(const std::vector<std::string>& command, const Expectation& expectation) {
    std::optional<std::string> results;
    if (expectation.against_unordered) {
        const Ended unordered = run({.arguments = command});
        INFO("without Escapement: " << unordered.output << unordered.errors);
        REQUIRE(unordered.status == expectation.status);
        results = results_of(unordered.output);
    }
    for (const std::string& quantum : expectation.quanta) {
        std::optional<Ended> first;
        for (unsigned number = 0; number < 2 * expectation.runs; ++number) {
            std::optional<Load> load;
            if (number >= expectation.runs) load.emplace();
            const Ended ended = run(surroundings(command, expectation, quantum, number));
            INFO("quantum " << quantum << ", run " << number);
            INFO("output:\n" << ended.output << "errors:\n" << ended.errors);
            REQUIRE(ended.status == expectation.status);
            if (results) REQUIRE(results_of(ended.output) == *results);
            if (!first) first = ended;
            REQUIRE(ended.output == first->output);
            if (expectation.may_be_marked) {
                require_only_marks(ended.errors);
            } else {
                REQUIRE(ended.errors == first->errors);
            }
        }
    }
}

void expect_same(const std::string& name, const std::string& scenario, const Expectation& expectation) {
    expect_same({case_path(name), scenario}, expectation);
}

}  // namespace programs
