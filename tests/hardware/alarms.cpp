// Alarms, and the checks that say whether a clock and an alarm are fit.

#include "pmu.hpp"

#include <escapement/counter_check.hpp>
#include <escapement/known_code.hpp>

#include <catch2/catch.hpp>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <optional>

using namespace escapement;

namespace {

Alarm* alarm_here = nullptr;
std::atomic<int> ours{0};
std::atomic<int> others{0};

void came(int, siginfo_t* information, void*) {
    (alarm_here->sent(*information) ? ours : others).fetch_add(1);
}

/// The alarm that passes its checks, as a developer would choose it; none, having said why, if there is none.
struct Pair {
    Event clock;
    Event alarm;
};
std::optional<Pair> pair_here() {
    if (!has_pmu()) return std::nullopt;
    for (const Event& clock : clock_candidates()) {
        for (const Event& alarm : alarm_candidates(clock)) {
            const auto report = check_alarm(clock, alarm, 20'000);
            if (report && report->passed()) return Pair{.clock = clock, .alarm = alarm};
        }
    }
    WARN("no event here is fit for an alarm");
    return std::nullopt;
}

bool in_lab() {
    const char* const wish = std::getenv("ESCAPEMENT_HARDWARE");
    return wish != nullptr && std::string(wish) == "required";
}

}  // namespace

TEST_CASE("a clock passes its checks, and the report says what it counts") {
    if (!has_pmu()) return;
    const auto candidates = clock_candidates();
    if (candidates.empty()) {
        WARN("no event is known that could be a clock on this CPU");
        return;
    }
    const auto report = check_clock(candidates.front());
    REQUIRE(report);
    CHECK(report->failure().empty());
    CHECK(report->passed());
    CHECK(report->checks.size() == 10);
    CHECK(report->checks.front().detail.find("it counts ") == 0);
}

TEST_CASE("a counter that does not count is no clock") {
    if (!in_lab()) return;  // it takes a counter that is known to be broken: the laboratory's stays 0
    if (!has_pmu()) return;
    const auto event = find_event("BR_RETIRED");
    REQUIRE(event);
    const auto report = check_clock(*event);
    REQUIRE(report);
    CHECK_FALSE(report->passed());
    CHECK(report->failure().find("counts: ") == 0);
}

TEST_CASE("an alarm comes once when it is due, and only if it is not called off") {
    const auto pair = pair_here();
    if (!pair) return;
    auto alarm = Alarm::open(pair->alarm.code, SIGRTMIN + 1);
    REQUIRE(alarm);
    alarm_here = &*alarm;
    struct sigaction action {};
    action.sa_sigaction = came;
    action.sa_flags = SA_SIGINFO;
    struct sigaction before {};
    sigaction(SIGRTMIN + 1, &action, &before);
    const KnownCode& code = known_code().front();  // more than 50 counts of any kind of instruction each
    // Signals from setting it on, through enough of the code.
    const auto signals = [&](std::initializer_list<Count> settings, bool cancel = false) {
        ours = 0;
        for (const Count after : settings) {
            if (!alarm->set(after)) return -1;
        }
        if (cancel) alarm->cancel();
        code.run(100'000);
        return ours.load();
    };
    for (int round = 0; round < 100; ++round)
        REQUIRE(signals({5000}) == 1);
    CHECK(signals({5000}, true) == 0);
    // What was set before is replaced, whether or not it came.
    CHECK(signals({1'000'000'000, 5000}) == 1);
    CHECK(signals({5000, 1'000'000'000}) == 0);
    CHECK(signals({5000}) == 1);
    CHECK_FALSE(alarm->set(0));
    // The same signal from elsewhere is not the alarm's.
    others = 0;
    sigqueue(getpid(), SIGRTMIN + 1, {.sival_int = 0});
    CHECK(others == 1);
    alarm->cancel();
    sigaction(SIGRTMIN + 1, &before, nullptr);
}

TEST_CASE("an alarm that is late is found out") {
    if (!in_lab()) return;  // it takes an alarm that is known to be late: the laboratory's INST_RETIRED
    if (!has_pmu()) return;
    const auto clock = find_event("INST_RETIRED");
    REQUIRE(clock);
    const auto report = check_alarm(*clock, *clock, 10'000);
    REQUIRE(report);
    CHECK_FALSE(report->passed());
    INFO(report->failure());
    const auto cycles = find_event("CPU_CYCLES");
    REQUIRE(cycles);
    const auto fit = check_alarm(*clock, *cycles, 64);
    REQUIRE(fit);
    CHECK(fit->failure().empty());
    CHECK(fit->skid <= 64);
}
