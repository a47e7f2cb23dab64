#include "recording.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>

namespace escapement::qemu_tests {

namespace fs = std::filesystem;

namespace {

/// As `escapement diff` says it.
std::string difference(const Run& first, const Run& other) {
    const fs::path text = other.directory / "difference";
    run({.arguments = {ESCAPEMENT_COMMAND, "diff", first.log().string(), other.log().string()},
         .output = text,
         .errors = text});
    return contents(text);
}

Run run_to_end(const Command& command, const fs::path& directory, const Conditions& conditions) {
    Run result{.directory = directory};
    Command adjusted = command;
    if (conditions.adjust) conditions.adjust(adjusted);
    const double began = seconds_now();
    Process process(adjusted);
    if (conditions.meanwhile) conditions.meanwhile(process);
    result.status = process.wait(conditions.limit).value_or(-1);
    result.seconds = seconds_now() - began;
    return result;
}

}  // namespace

std::string contents(const fs::path& file) {
    std::ifstream from(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
}

Workplace::Workplace() {
    std::string name = (fs::temp_directory_path() / "escapement-test.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) FAIL("cannot make a directory " << name);
    root_ = name;
}

Workplace::~Workplace() {
    std::error_code ignored;
    if (std::uncaught_exceptions() == 0) {
        fs::remove_all(root_, ignored);
    } else {
        fmt::print("the files of what failed are in {}\n", root_.string());
    }
}

fs::path Workplace::directory(const std::string& name) {
    for (unsigned number = 1;; ++number) {
        fs::path place = root_ / fmt::format("{}-{}", name, number);
        if (fs::create_directory(place)) return place;
    }
}

std::string Run::console() const {
    return contents(directory / "console");
}

std::string Run::errors() const {
    return contents(directory / "errors");
}

Run record(const Machine& machine, Workplace& workplace, const Conditions& conditions) {
    return run_ordered(machine, Mode::record, workplace, conditions);
}

std::uint64_t Run::operations() const {
    return nlohmann::json::parse(contents(directory / "stats")).at("operations").get<std::uint64_t>();
}

Run run_ordered(const Machine& machine, Mode mode, Workplace& workplace, const Conditions& conditions) {
    const fs::path directory = workplace.directory("run");
    return run_to_end(ordered_command(machine, mode, directory, directory / "log"), directory, conditions);
}

Run replay(const Machine& machine, const Run& recording, Workplace& workplace, const Conditions& conditions) {
    const fs::path directory = workplace.directory("replay");
    return run_to_end(ordered_command(machine, Mode::replay, directory, recording.log()), directory,
                      conditions);
}

void check_ended_well(const Machine& machine, const Run& run) {
    INFO(run.directory.string() << " after " << run.seconds << " s; it wrote:\n" << run.errors());
    if (run.status == -1) FAIL("it did not end in time");
    REQUIRE(run.status == 0);
    const std::string console = run.console();
    INFO("console:\n" << console);
    REQUIRE(console.find(machine.says) != std::string::npos);
    for (const std::string& each : machine.also_says) {
        INFO(each);
        REQUIRE(console.find(each) != std::string::npos);
    }
    REQUIRE(run.errors().find("not reproducible") == std::string::npos);
    const auto statistics = nlohmann::json::parse(contents(run.directory / "stats"), nullptr, false);
    REQUIRE(!statistics.is_discarded());
    REQUIRE(statistics.value("reproducible", false));
}

void check_same(const Run& first, const Run& other) {
    INFO(first.directory.string() << " and " << other.directory.string());
    REQUIRE(fs::file_size(first.log()) > 0);
    if (contents(first.log()) != contents(other.log()))
        FAIL("recordings differ:\n" << difference(first, other));
    REQUIRE(first.console() == other.console());
}

void check_replay(const Machine& machine, const Run& recording, const Run& replay) {
    check_ended_well(machine, replay);
    REQUIRE(recording.console() == replay.console());
}

unsigned recordings() {
    const char* const wanted = std::getenv("ESCAPEMENT_TEST_RECORDINGS");
    return wanted == nullptr ? 3U : std::max(2U, static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)));
}

void check_reproducible(const Machine& machine, unsigned count, const Conditions& conditions) {
    if (!can_run(machine)) return;
    CAPTURE(machine.name);
    Workplace workplace;
    const Run first = record(machine, workplace, conditions);
    check_ended_well(machine, first);
    for (unsigned number = 1; number < count; ++number) {
        const Run other = record(machine, workplace, conditions);
        check_ended_well(machine, other);
        check_same(first, other);
    }
    check_replay(machine, first, replay(machine, first, workplace, conditions));
}

}  // namespace escapement::qemu_tests
