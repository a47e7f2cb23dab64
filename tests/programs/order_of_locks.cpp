// Threads that wait for each other: every kind of lock, the same every time, and with unharmed results.

#include "ordered.hpp"

#include <catch2/catch.hpp>

using namespace programs;

TEST_CASE("mutexes come out the same every time", "[locks]") {
    const auto* const scenario = GENERATE("normal", "adaptive", "inheriting", "recursive", "checking",
                                          "timed", "robust", "not-recoverable", "careless");
    CAPTURE(scenario);
    expect_same("mutexes", scenario);
}

TEST_CASE("condition variables come out the same every time", "[locks]") {
    const auto* const scenario = GENERATE("queue", "broadcast", "timed", "raced", "standard");
    CAPTURE(scenario);
    expect_same("conditions", scenario);
}

TEST_CASE("other locks come out the same every time", "[locks]") {
    const auto* const scenario =
        GENERATE("readers-and-writers", "shared-timed", "spinning", "barriers", "once");
    CAPTURE(scenario);
    expect_same("other_locks", scenario);
}

TEST_CASE("semaphores come out the same every time", "[locks]") {
    const auto* const scenario = GENERATE("counting", "timed", "handler", "later-handler", "named");
    CAPTURE(scenario);
    expect_same("semaphores", scenario);
}

TEST_CASE("locks shared with another process work", "[locks]") {
    SECTION("mutex") {
        expect_same("mutexes", "shared", {.may_be_marked = true});
    }
    SECTION("condition") {
        expect_same("conditions", "shared", {.may_be_marked = true});
    }
    SECTION("reader-writer lock, spin lock, barrier") {
        expect_same("other_locks", "shared", {.may_be_marked = true});
    }
    SECTION("semaphore") {
        expect_same("semaphores", "shared", {.may_be_marked = true});
    }
}

TEST_CASE("a handler's post reaches whoever waits, however it came", "[locks]") {
    expect_same("semaphores", "outside-signal");
}
