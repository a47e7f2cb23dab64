// How programs end: with their own status or signal, when told to, and never by hanging.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

using namespace programs;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> ending(const std::string& scenario, const std::vector<std::string>& options = {}) {
    return ordered({case_path("endings"), scenario}, options);
}

}  // namespace

TEST_CASE("status and signals are the program's own", "[endings]") {
    struct Case {
        const char* scenario;
        int status;
        bool signalled;
    };
    const Case each = GENERATE(Case{"status", 42, false}, Case{"abort", 128 + SIGABRT, true},
                               Case{"segv", 128 + SIGSEGV, true}, Case{"killed", 128 + SIGKILL, true},
                               Case{"terminated", 128 + SIGTERM, true});
    CAPTURE(each.scenario);
    const auto* const statistics = GENERATE("", "--stats");
    const Ended ended =
        run({.arguments = ending(each.scenario, *statistics == '\0' ? std::vector<std::string>{}
                                                                    : std::vector<std::string>{statistics})});
    REQUIRE(ended.status == each.status);
    REQUIRE(ended.signalled == each.signalled);
}

TEST_CASE("SIGTERM and SIGINT end every program within two seconds", "[endings]") {
    struct Case {
        const char* scenario;
        int own_status;  // 0: the signal's
    };
    const Case each =
        GENERATE(Case{"all-wait", 0}, Case{"one-spins", 0}, Case{"handlers-all-wait", 0},
                 Case{"handlers-one-spins", 0}, Case{"handlers-alone", 0}, Case{"handlers-alone-spin", 0},
                 Case{"handlers-outside", 0}, Case{"own-ending", 33}, Case{"sigwait-exits", 44},
                 Case{"sigwait-ignores", 0}, Case{"blocked", 0});
    const int signal = GENERATE(SIGTERM, SIGINT);
    CAPTURE(each.scenario, signal);
    Process process({.arguments = ending(each.scenario)});
    process.wait_for("ready");
    const auto began = std::chrono::steady_clock::now();
    process.send(signal);
    const Ended ended = process.wait();
    REQUIRE(std::chrono::steady_clock::now() - began < 2s);
    REQUIRE(ended.status == (each.own_status != 0 ? each.own_status : 128 + signal));
    REQUIRE(ended.signalled == (each.own_status == 0));
}

TEST_CASE("SIGKILL ends it at once", "[endings]") {
    Process process({.arguments = ending("one-spins")});
    process.wait_for("ready");
    process.send(SIGKILL);
    REQUIRE(process.wait().status == 128 + SIGKILL);
}

TEST_CASE("being stopped and continued changes nothing", "[endings]") {
    const Ended undisturbed = run({.arguments = ending("long-work")});
    REQUIRE(undisturbed.status == 0);
    std::mt19937 random(GENERATE(1U, 2U, 3U));  // NOLINT(cert-msc51-cpp): the same every time
    Process process({.arguments = ending("long-work", {"--pin", "none"})});
    process.wait_for("ready");
    for (int round = 0; round < 10; ++round) {
        process.send(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
        process.send(SIGCONT);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    }
    const Ended disturbed = process.wait();
    REQUIRE(disturbed.status == 0);
    REQUIRE(disturbed.output == undisturbed.output);
    REQUIRE(disturbed.errors.empty());
}

TEST_CASE("deadlocks end with status 125 and say who waits for what", "[endings]") {
    struct Case {
        const char* scenario;
        std::vector<std::string> said;
    };
    const Case each =
        GENERATE(Case{"deadlock",
                      {"participant 0 'main' waits for mutex", "held by participant 1 'other' since clock",
                       "participant 1 'other' waits for mutex", "held by participant 0 'main' since clock"}},
                 Case{"self-deadlock", {"participant 0 'main' waits for mutex", "held by itself"}},
                 Case{"lost-wakeup", {"participant 0 'main' waits for condition"}},
                 Case{"lonely-semaphore",
                      {"waits for the end of participant 1", "participant 1 '' waits for semaphore"}});
    CAPTURE(each.scenario);
    const Ended ended = run({.arguments = ending(each.scenario)});
    REQUIRE(ended.status == 125);
    for (const std::string& line : each.said)
        REQUIRE_THAT(ended.errors, Catch::Contains(line));
    REQUIRE_THAT(ended.errors, Catch::Contains("not reproducible: deadlock"));
}

TEST_CASE("input is waited for while others work", "[endings]") {
    const auto* const scenario = GENERATE("reads", "reads-lines");
    CAPTURE(scenario);
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    Process process({.arguments = ending(scenario), .input = ends[0]});
    close(ends[0]);
    process.wait_for("works");
    REQUIRE(write(ends[1], "abc\n", 4) == 4);
    std::this_thread::sleep_for(50ms);
    REQUIRE(write(ends[1], "def\n", 4) == 4);
    close(ends[1]);
    const Ended ended = process.wait();
    REQUIRE(ended.status == 0);
    REQUIRE(ended.output ==
            (std::string(scenario) == "reads" ? "works\nsum: 617\n" : "works\nline: abc\nline: def\n"));
}

TEST_CASE("a program may close everything and clear its environment", "[endings]") {
    const auto* const scenario = GENERATE("closes-all", "clears-environment");
    CAPTURE(scenario);
    expect_same("endings", scenario, {.runs = 2});
}
