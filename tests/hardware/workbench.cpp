// The workbench where there are counters; in the laboratory, whose counters are known, to the count.

#include "pmu.hpp"

#include <escapement/calibration.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace escapement;

namespace {

bool in_lab() {
    const char* const wish = std::getenv("ESCAPEMENT_HARDWARE");
    return wish != nullptr && std::string(wish) == "required";
}

template <typename T>
T value(const Workbench::Result<T>& result) {
    INFO((result ? std::string() : result.error()));
    REQUIRE(result);
    return *result;
}

}  // namespace

TEST_CASE("the workbench counts known code exactly, whatever disturbs it") {
    if (!in_lab() || !has_pmu()) return;
    const auto bench = host_workbench();
    REQUIRE(bench->go_to(bench->cores().front()));
    const Event clock = value(bench->find("INST_RETIRED"));
    CHECK(value(bench->self_check(clock)).empty());
    const auto codes = bench->codes();
    REQUIRE(!codes.empty());
    for (const bool loaded : {false, true}) {
        bench->load(loaded);
        for (std::size_t code = 0; code < codes.size(); ++code) {
            if (!codes[code].available()) continue;
            const auto few = value(bench->count_code(clock, code, 10));
            const auto many = value(bench->count_code(clock, code, 1010));
            const auto again = (many.again - few.again) * codes[code].again.instructions;
            CHECK(static_cast<std::int64_t>(many.counted - few.counted) ==
                  1000 * codes[code].each.instructions + again);
        }
        for (const Disturbance cause :
             {Disturbance::page_fault, Disturbance::system_call, Disturbance::signal,
              Disturbance::context_switch, Disturbance::timer_interrupt}) {
            INFO(to_string(cause));
            const auto none = value(bench->count_disturbed(clock, cause, 0));
            const auto many = value(bench->count_disturbed(clock, cause, 8));
            // Timers that are due together interrupt once.
            CHECK(many.occurrences >= (cause == Disturbance::timer_interrupt ? 1U : 8U));
            CHECK(many.counted == none.counted);
        }
    }
    CHECK(!bench->count_disturbed(clock, Disturbance::migration, 1));
}

TEST_CASE("the workbench finds the laboratory's dead counter and its late alarm") {
    if (!in_lab() || !has_pmu()) return;
    const auto bench = host_workbench();
    REQUIRE(bench->go_to(bench->cores().front()));
    const Event clock = value(bench->find("INST_RETIRED"));
    const Event dead = value(bench->find("BR_RETIRED"));
    const Event cycles = value(bench->find("CPU_CYCLES"));
    REQUIRE(bench->try_open(dead));
    CHECK(value(bench->count_code(dead, 0, 1000)).counted == 0);
    CHECK(!value(bench->self_check(dead)).empty());
    for (const bool loaded : {false, true}) {
        bench->load(loaded);
        for (const Count after : {1000U, 100U, 10'000U, 12'345U}) {
            for (int number = 0; number < 20; ++number) {
                const auto sample = value(bench->sample_alarm(clock, cycles, after));
                CHECK(sample.came);
                CHECK(sample.late == 0);
                CHECK(sample.latency_ns >= 0);
            }
        }
    }
    bench->load(false);
    const auto late = value(bench->sample_alarm(clock, clock, 1000));
    CHECK((!late.came || late.late > 10'000));
    const auto capacity = value(bench->capacity(clock));
    CHECK(capacity.at_once == 6);
    CHECK(capacity.then.find("end of file") != std::string::npos);
}

TEST_CASE("the workbench tells what reading a counter takes") {
    if (!has_pmu()) return;
    const auto bench = host_workbench();
    REQUIRE(bench->go_to(bench->cores().front()));
    const auto candidates = bench->clock_candidates();
    if (candidates.empty()) {
        WARN("no event is known that could be a clock on this CPU");
        return;
    }
    const Event& clock = candidates.front();
    const auto call = value(bench->read_cost(clock, ReadWay::call));
    CHECK(call.ns > 0);
    CHECK(value(bench->read_cost(clock, ReadWay::elsewhere)).ns > 0);
    CHECK(value(bench->rate(clock)) > 0);
    const auto user_space = bench->read_cost(clock, ReadWay::user_space);
    if (!user_space) {
        CHECK(user_space.error().find("user space") != std::string::npos);
        REQUIRE(!in_lab());
        return;
    }
    CHECK(user_space->ns < call.ns);
}
