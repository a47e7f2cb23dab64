// What touches the outside: descriptors, time, randomness, child processes, cancellation.

#include "ordered.hpp"

#include <catch2/catch.hpp>

using namespace programs;

TEST_CASE("waiting for descriptors comes out the same every time", "[outside]") {
    const auto* const scenario = GENERATE("poll", "ppoll", "select", "pselect", "epoll", "blocking",
                                          "eventfds", "local-sockets", "loopback", "masked");
    CAPTURE(scenario);
    expect_same("descriptors", scenario);
}

TEST_CASE("a cancelled thread leaves nothing behind", "[outside]") {
    const auto* const scenario = GENERATE("waits", "not-now", "anywhere");
    CAPTURE(scenario);
    expect_same("cancellation", scenario, {.runs = 2});
}

TEST_CASE("virtual time is the same every time, and jumps over hours", "[outside]") {
    const auto* const scenario = GENERATE("hours", "clocks", "in-order", "while-working", "by-asking");
    CAPTURE(scenario);
    expect_same("times", scenario, {.against_unordered = false});
    const Ended hours = run({.arguments = ordered({case_path("times"), "hours"})});
    REQUIRE(hours.output == "hours by one clock: 27\nby another: 27\n");
    REQUIRE(hours.wall < std::chrono::seconds(5));
}

TEST_CASE("timers that are descriptors fire at the same place every time", "[outside]") {
    expect_same("timers", "values");
    expect_same("timers", "in-order", {.against_unordered = false});
    const Ended hours = run({.arguments = ordered({case_path("timers"), "hours"})});
    REQUIRE(hours.output == "events: 1\nready: 1\nwhich: 1\n");
    REQUIRE(hours.wall < std::chrono::seconds(5));
    const Ended unordered = run({.arguments = ordered({case_path("timers"), "unordered"})});
    REQUIRE(unordered.output == "done: 1\n");
    REQUIRE_THAT(unordered.errors, Catch::Contains("not ordered while a timer ran"));
}

TEST_CASE("time passes as outside for who waits for the outside, by whatever call", "[outside]") {
    const auto* const scenario = GENERATE("listening-poll", "listening-epoll");
    const Ended ended = run({.arguments = ordered({case_path("descriptors"), scenario})});
    CAPTURE(scenario, ended.errors);
    REQUIRE(ended.status == 0);
    REQUIRE(ended.wall >= std::chrono::milliseconds(300));
}

TEST_CASE("time is the host's when asked for", "[outside]") {
    const Ended slept = run({.arguments = ordered({"/bin/sleep", "0.5"}, {"--time", "real"})});
    REQUIRE(slept.status == 0);
    REQUIRE(slept.wall >= std::chrono::milliseconds(500));
}

TEST_CASE("randomness is the seed's", "[outside]") {
    expect_same("randomness", "sources");
    expect_same("randomness", "threads");
    const auto with_seed = [](const char* seed) {
        return run({.arguments = ordered({case_path("randomness"), "sources"}, {"--seed", seed})}).output;
    };
    REQUIRE(with_seed("1") == run({.arguments = ordered({case_path("randomness"), "sources"})}).output);
    REQUIRE(with_seed("2") == with_seed("2"));
    REQUIRE(with_seed("2") != with_seed("1"));
}

TEST_CASE("child processes work as ever", "[outside]") {
    const auto* const scenario = GENERATE("forked", "with-handlers", "started", "waited-for", "daemonized");
    CAPTURE(scenario);
    expect_same("processes", scenario, {.runs = 2});
}

TEST_CASE("an allocator of the program's own may take locks", "[outside]") {
    expect_same("allocator", "churn");
}
