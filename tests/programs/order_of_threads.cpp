// Threads from their beginning to their end, and the C++ library's ways to wait for them.

#include "ordered.hpp"

#include <catch2/catch.hpp>

using namespace programs;

TEST_CASE("a thread that cannot end is not waited for, and that is said", "[threads]") {
    const Ended ended = run({.arguments = ordered({case_path("threads"), "end-waits"})});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 0);
    REQUIRE_THAT(ended.errors, Catch::Contains("a thread that has left the order does not end"));
}

TEST_CASE("threads come out the same every time", "[threads]") {
    const auto* const scenario = GENERATE("joined", "detached", "small-stacks", "destructors", "main-exits",
                                          "standard-c", "heaps", "end-while-loading");
    CAPTURE(scenario);
    expect_same("threads", scenario);
}

TEST_CASE("thousands of short-lived threads come out the same every time", "[threads]") {
    expect_same("threads", "thousands", {.quanta = {"", "1"}, .runs = 1});
}

TEST_CASE("main can be joined, and another thread end the process", "[threads]") {
    expect_same("threads", "main-is-joined", {.status = 7});
}

TEST_CASE("who sends a signal finds its handler run, the same every time", "[threads]") {
    const auto* const scenario = GENERATE("to-threads", "to-the-process", "blocked");
    CAPTURE(scenario);
    expect_same("signals", scenario, {.against_unordered = scenario == std::string("blocked")});
}

TEST_CASE("who waits for signals that the program sends is woken the same every time", "[threads]") {
    expect_same("signals", "waited-for");
    // Without an order a signal may come before its receiver pauses, which it then does for ever.
    expect_same("signals", "suspended", {.against_unordered = false});
}

TEST_CASE("the world can be stopped by signals, the same every time", "[threads]") {
    const auto* const scenario = GENERATE("stopped-sleepers", "stopped-workers", "stopped-by-semaphore");
    CAPTURE(scenario);
    expect_same("signals", scenario, {.runs = 2});
}

TEST_CASE("a handler that waits for others does not keep them from going on", "[threads]") {
    expect_same("signals", "stopped-from-outside", {.may_be_marked = true, .runs = 1});
}

TEST_CASE("the C++ library's waits come out the same every time", "[threads]") {
    const auto* const scenario = GENERATE("asynchronous", "statics", "semaphore-and-latch", "atomic-wait",
                                          "once-that-throws", "stopping", "racing", "random-device");
    CAPTURE(scenario);
    expect_same("standard_cpp", scenario);
}

TEST_CASE("strict alternation is the same every time, too", "[threads]") {
    const Expectation ticktock{.options = {"--policy", "ticktock"}, .quanta = {""}};
    expect_same("mutexes", "normal", ticktock);
    expect_same("conditions", "queue", ticktock);
    expect_same("standard_cpp", "atomic-wait", ticktock);
}
