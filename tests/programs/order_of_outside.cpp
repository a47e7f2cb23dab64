// What touches the outside: descriptors, time, randomness, child processes, cancellation.

#include "ordered.hpp"

#include <catch2/catch.hpp>

#include <csignal>

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

TEST_CASE("timers that signal do so at the same place every time", "[outside]") {
    const auto* const scenario = GENERATE("interrupting", "numbered", "calls", "helping");
    CAPTURE(scenario);
    expect_same("signal_timers", scenario, {.runs = 2});
}

TEST_CASE("timers that signal let handlers run among threads at the same place every time", "[outside]") {
    const auto* const scenario = GENERATE("ticks", "jumping");
    CAPTURE(scenario);
    expect_same("signal_timers", scenario, {.against_unordered = false, .runs = 2});
}

TEST_CASE("an alarm ends the program that a process has become, not its child", "[outside]") {
    const Ended ended = run({.arguments = ordered({case_path("signal_timers"), "inherited"})});
    CAPTURE(ended.errors);
    REQUIRE(ended.output == "a child's: 0\n");
    REQUIRE(ended.signalled);
    REQUIRE(ended.status == 128 + SIGALRM);
}

TEST_CASE("timers that signal end what computes, and not what is stuck", "[outside]") {
    const Ended computed = run({.arguments = ordered({case_path("signal_timers"), "computing"})});
    REQUIRE(computed.output == "done: 1\n");
    REQUIRE_THAT(computed.errors, Catch::Contains("until a timer was due by the host's clock"));
    const Ended stuck = run({.arguments = ordered({case_path("signal_timers"), "stuck"})});
    REQUIRE(stuck.status == 125);
    REQUIRE_THAT(stuck.errors, Catch::Contains("deadlock"));
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

TEST_CASE("what programs call more seldom does as ever", "[outside]") {
    const auto* const scenario =
        GENERATE("executes", "queued-signals", "requeued", "standard-threads", "files-and-times");
    CAPTURE(scenario);
    expect_same("calls", scenario, {.quanta = {"", "1"}, .runs = 1});
}

TEST_CASE("calls on sockets do as ever", "[outside]") {
    const auto* const scenario = GENERATE("checked-sizes", "datagrams", "several-messages", "more-than-fits",
                                          "loses-patience", "waits-for-events");
    CAPTURE(scenario);
    expect_same("sockets", scenario, {.quanta = {"", "1"}, .runs = 1});
}

TEST_CASE("an allocator of the program's own may take locks", "[outside]") {
    expect_same("allocator", "churn");
}
