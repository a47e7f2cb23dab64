// What does not end well: it ends, with a status that says who is to blame and a line that says why.

#include "../ordered.hpp"
#include "emulator_run.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace emulator_tests;
using Catch::Matchers::Contains;

TEST_CASE("a machine in which nobody can go on says who waits for what") {
    const std::string mode = GENERATE("serial", "parallel");
    CAPTURE(mode);
    const Run run = emulate({"--guest", "deadlock", "--mode", mode});
    CHECK(run.status == 125);
    CHECK_THAT(run.errors, Contains("deadlock") && Contains("'cpus' waits for condition 'cpus wake'"));
}

TEST_CASE("a guest that does what no machine allows ends it") {
    const std::string mode = GENERATE("serial", "parallel");
    CAPTURE(mode);
    const Run run = emulate({"--guest", "fault", "--mode", mode});
    CHECK(run.status == 70);
    CHECK(run.errors == "emulator: CPU 0 reads port 0xf0, where there is nothing\n");
}

TEST_CASE("what cannot be done as asked is refused in one line") {
    const Directory directory;
    std::ofstream(directory.file("odd")) << "no whole sector";
    std::ofstream(directory.file("empty")) << "";
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
        {{}, "--guest"},
        {{"--guest", "nobody"}, "nobody.bin"},
        {{"--guest", directory.file("empty")}, "number of CPUs"},
        {{"--guest", "disk", "--policy", "fast"}, "--policy"},
        {{"--guest", "disk", "--policy", "ticktock", "--mode", "parallel"}, "the domain"},
        {{"--guest", "disk", "--serial", "telex"}, "'telex'"},
        {{"--guest", "disk", "--serial", "socket:"}, "socket"},
        {{"--guest", "disk", "--disk", directory.file("nowhere")}, "nowhere"},
        {{"--guest", "disk", "--disk", directory.file("odd")}, "whole sectors"},
        {{"--guest", "disk", "--log", directory.file("no/log")}, "no/log"},
        {{"--guest", "disk", "--journal", "one", "--replay", "two"}, "--journal"},
    };
    for (const auto& [arguments, says] : wrong) {
        CAPTURE(arguments);
        std::vector<std::string> command = arguments;
        command.insert(command.begin(), EMULATOR);
        const Run result = run(command, "", directory);
        CHECK(result.status == 2);
        CHECK_THAT(result.errors, Contains(says));
        CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    }
}

// Not a test but what one runs: it ends the process.
TEST_CASE("unlocks what it does not hold", "[.]") {
    escapement_options options;
    escapement_options_init(&options);
    escapement_domain* domain = nullptr;
    escapement_participant* me = nullptr;
    emulator::check(escapement_domain_create(&options, &domain));
    emulator::check(escapement_admit(domain, "me", &me));
    emulator::Mutex mutex(domain, "mutex");
    emulator::check(escapement_enter(me));
    mutex.unlock();
}

TEST_CASE("a broken rule ends the emulator, and is named") {
    const Directory directory;
    const Run result = run({EMULATOR_TESTS, "unlocks what it does not hold"}, "", directory);
    CHECK(result.status == 125);
    CHECK(result.errors == std::string("emulator: ") + escapement_message(ESCAPEMENT_NOT_HELD) + "\n");
}
