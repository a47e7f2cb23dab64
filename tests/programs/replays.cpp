// What `run --journal` recorded, `run --replay` does again: without the terminal, the peer or the signals
// that it had. What is not the same is told.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

using namespace programs;

namespace {

Ended record(const Scratch& scratch, const std::vector<std::string>& command,
             std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--journal", scratch.path("journal")});
    return run({.arguments = ordered(command, options)});
}

Ended replay(const Scratch& scratch, const std::vector<std::string>& command) {
    return run({.arguments = ordered(command, {"--replay", scratch.path("journal")})});
}

void expect_replayed(const std::vector<std::string>& command, const std::vector<std::string>& options = {}) {
    const Scratch scratch;
    const Ended recorded = record(scratch, command, options);
    CAPTURE(recorded.errors);
    REQUIRE(recorded.status == 0);
    for (int number = 0; number < 3; ++number) {
        const Ended again = replay(scratch, command);
        CAPTURE(number, again.errors);
        REQUIRE(again.status == 0);
        REQUIRE(again.output == recorded.output);
    }
}

}  // namespace

TEST_CASE("what was recorded is done again", "[replay]") {
    const auto* const policy = GENERATE("counted", "ticktock");
    const std::vector<std::string> options = {"--policy", policy};
    expect_replayed({case_path("conditions"), "queue"}, options);
    expect_replayed({case_path("descriptors"), "loopback"}, options);
    expect_replayed({case_path("descriptors"), "masked"}, options);
    for (const char* const scenario : {"checked-sizes", "datagrams", "several-messages", "more-than-fits",
                                       "loses-patience", "waits-for-events"}) {
        CAPTURE(scenario);
        expect_replayed({case_path("sockets"), scenario}, options);
    }
    for (const char* const scenario : {"queued-signals", "requeued", "files-and-times"}) {
        CAPTURE(scenario);
        expect_replayed({case_path("calls"), scenario}, options);
    }
    expect_replayed({case_path("cancellation"), "waits"}, options);
    expect_replayed({case_path("endings"), "exit-group"}, options);
    expect_replayed({case_path("processes"), "any-of-them"}, options);
    expect_replayed({case_path("timers"), "in-order"}, options);
    expect_replayed({case_path("signal_timers"), "ticks"}, options);
    expect_replayed({case_path("signal_timers"), "interrupting"}, options);
    expect_replayed({case_path("signal_timers"), "numbered"}, options);
    expect_replayed({case_path("signals"), "to-threads"}, options);
    expect_replayed({case_path("signals"), "at-any-time"}, options);
    expect_replayed({case_path("times"), "while-working"}, {"--policy", policy, "--time", "real"});
}

TEST_CASE("a program's environment is as long in a replay, whatever that is asked besides", "[replay]") {
    const Scratch scratch;
    const std::vector<std::string> command = {"/usr/bin/wc", "-c", "/proc/self/environ"};
    const Ended recorded = record(scratch, command);
    REQUIRE(recorded.status == 0);
    const std::string moved = scratch.path("another name, longer than it was");
    std::filesystem::rename(scratch.path("journal"), moved);
    const std::vector<std::vector<std::string>> besides = {
        {}, {"--stats=" + scratch.path("statistics")}, {"--pin", "none"}};
    for (std::vector<std::string> options : besides) {
        options.insert(options.end(), {"--replay", moved});
        const Ended again = run({.arguments = ordered(command, options)});
        CAPTURE(options, again.errors);
        REQUIRE(again.status == 0);
        REQUIRE(again.output == recorded.output);
    }
}

TEST_CASE("a program that reads what is left on its stack is in a replay as it was", "[replay]") {
    const Scratch scratch;
    int ends[2] = {-1, -1};
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const std::string typed(400, 'y');
    REQUIRE(write(ends[1], typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
    close(ends[1]);
    const std::vector<std::string> command = {case_path("leftovers")};
    const Ended recorded =
        run({.arguments = ordered(command, {"--journal", scratch.path("journal")}), .input = ends[0]});
    close(ends[0]);
    CAPTURE(recorded.errors);
    REQUIRE(recorded.status == 0);
    const Ended again = replay(scratch, command);
    CAPTURE(again.errors);
    REQUIRE(again.status == 0);
    REQUIRE(again.output == recorded.output);
}

TEST_CASE("a journal is refused for what it is not of", "[replay]") {
    const Scratch scratch;
    REQUIRE(record(scratch, {case_path("mutexes"), "normal"}).status == 0);
    const auto refused = [&](const std::vector<std::string>& command, std::vector<std::string> options,
                             const std::string& why) {
        options.insert(options.end(), {"--replay", scratch.path("journal")});
        const Ended ended = run({.arguments = ordered(command, options)});
        CAPTURE(ended.errors);
        REQUIRE(ended.status == 125);
        REQUIRE_THAT(ended.errors, Catch::Contains(why));
    };
    refused({case_path("mutexes"), "recursive"}, {}, "another command");
    refused({case_path("mutexes"), "normal"}, {"--policy", "ticktock"}, "policy 'counted'");
    refused({case_path("mutexes"), "normal"}, {"--quantum", "7"}, "of quantum 1000");
    refused({case_path("mutexes"), "normal"}, {"--seed", "7"}, "of seed 1");
    refused({case_path("mutexes"), "normal"}, {"--policy", "free"}, "no order");
}

TEST_CASE("a journal that is cut is replayed up to its end, and that is said", "[replay]") {
    const Scratch scratch;
    const std::vector<std::string> command = {case_path("conditions"), "queue"};
    REQUIRE(record(scratch, command).status == 0);
    std::filesystem::resize_file(scratch.path("journal"),
                                 std::filesystem::file_size(scratch.path("journal")) - 4);
    const Ended ended = replay(scratch, command);
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 125);
    REQUIRE_THAT(ended.errors, Catch::Contains("is cut"));
}
