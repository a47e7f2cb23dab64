// The verdict follows what the counters do: each defect that counters have is injected, and must be found.
#include "simulated_workbench.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace escapement;
using namespace escapement::simulated;
using Fitness = Verdict::Fitness;
using Effort = CalibrationOptions::Effort;

namespace {

std::string all_of(const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& sentence : sentences)
        text += sentence + '\n';
    return text;
}

using Catch::Matchers::Contains;

std::int64_t taken_only(const KnownCounts& known) {
    return known.taken + known.jumps;
}

Verdict verdict_of(SimulatedWorkbench& bench, Effort effort = Effort::quick) {
    const Profile profile = calibrated(bench, effort);
    REQUIRE(profile.cores.size() == 1);
    const auto again = read_profile(write_profile(profile), "p");
    INFO((again ? "" : again.error()));
    REQUIRE(again);
    CHECK(*again == profile);
    return profile.cores.front().verdict;
}

}  // namespace

TEST_CASE("a sound counter is clock and alarm, with a margin of what it is late") {
    SimulatedWorkbench bench;
    SimulatedCounter& counter = bench.add("GOOD");
    SECTION("always on time") {
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::boundaries);
        REQUIRE(verdict.clock);
        CHECK(verdict.clock->name == "GOOD");
        CHECK(verdict.alarm == verdict.clock);
        CHECK(verdict.margin == 0);
        CHECK(verdict.advice.empty());
    }
    SECTION("always as late") {
        counter.skid = constant(37);
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::boundaries);
        CHECK(verdict.margin == 74);
    }
    SECTION("later under load") {
        counter.skid_when_loaded = [](Random& random) {
            return static_cast<std::int64_t>(random.below(101));
        };
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::boundaries);
        CHECK(verdict.margin >= 190);
        CHECK(verdict.margin <= 400);
    }
    SECTION("early: it is set again") {
        counter.skid = constant(-5);
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::boundaries);
        CHECK(verdict.margin == 0);
        CHECK_THAT(all_of(verdict.reasons), Contains("came early"));
    }
    SECTION("now and then by far") {
        counter.skid = [](Random& random) { return random.chance(0.0005) ? 90 : 37; };
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::boundaries);
        CHECK(verdict.margin > 180);
        CHECK(verdict.margin < 1000);
    }
    SECTION("with a tail: the margin gets tighter the longer it is looked at") {
        counter.skid = [](Random& random) {
            return static_cast<std::int64_t>(-20 * std::log(random.real()));
        };
        const Verdict quick = verdict_of(bench);
        const Verdict thorough = verdict_of(bench, Effort::thorough);
        CHECK(quick.fitness == Fitness::boundaries);
        CHECK(quick.margin < 5000);
        CHECK(thorough.fitness == Fitness::boundaries);
        CHECK(thorough.margin < quick.margin);
        CHECK(thorough.margin > 400);  // one in 10^9
    }
}

TEST_CASE("a counter that interruptions add to is no clock, and the next one is looked at") {
    const auto cause =
        GENERATE(Disturbance::page_fault, Disturbance::timer_interrupt, Disturbance::system_call,
                 Disturbance::signal, Disturbance::context_switch, Disturbance::migration);
    const auto by = GENERATE(1.0, 3.0, 0.3);
    SimulatedWorkbench bench;
    bench.add("ADDS").defects.overcount[cause] = by;
    bench.counters.back().defects.overcount_when_loaded = by == 3.0;
    bench.add("GOOD");
    const Verdict verdict = verdict_of(bench);
    CHECK(verdict.fitness == Fitness::boundaries);
    REQUIRE(verdict.clock);
    CHECK(verdict.clock->name == "GOOD");
    CHECK_THAT(all_of(verdict.reasons), Contains("ADDS is no clock") && Contains(to_string(cause)));
}

TEST_CASE("what is added is measured as it is") {
    SimulatedWorkbench bench;
    bench.add("ADDS").defects.overcount[Disturbance::page_fault] = 2.5;
    const Profile profile = calibrated(bench, Effort::standard);
    const auto& overcounts = profile.cores.at(0).events.at(0).loads.at(0).overcounts;
    REQUIRE(overcounts.size() == 6);
    for (const OvercountFinding& overcount : overcounts) {
        CHECK(overcount.slope.n > 10);
        const double wanted = overcount.cause == "page fault" ? 2.5 : 0;
        CHECK(overcount.slope.low <= wanted);
        CHECK(overcount.slope.high >= wanted);
        CHECK(overcount.slope.high - overcount.slope.low < 0.3);
    }
}

TEST_CASE("a counter that is off on known code is no clock") {
    SimulatedWorkbench bench;
    SimulatedCounter& counter = bench.add("OFF");
    SECTION("on one piece of code") {
        counter.defects.bias["locked instructions"] = 2;
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::nothing);
        CHECK(verdict.fallback == "operations");
        CHECK_THAT(all_of(verdict.reasons), Contains("locked instructions") && Contains("+10"));
    }
    SECTION("after a while") {
        counter.defects.breaks_after_ns = bench.now_ns() + 500'000'000;
        CHECK(verdict_of(bench).fitness == Fitness::nothing);
    }
    SECTION("everywhere") {
        counter.counts = [](const KnownCounts& known) { return known.instructions * 7 / 5 + known.jumps; };
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::nothing);
        CHECK_THAT(all_of(verdict.reasons), Contains("no kind of event"));
    }
    SECTION("as its own check finds") {
        counter.defects.failed = "Zen lock speculation: SpecLockMap is on";
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::nothing);
        CHECK_THAT(all_of(verdict.reasons), Contains("SpecLockMap"));
    }
}

TEST_CASE("it is told what kind of thing an event counts") {
    SimulatedWorkbench bench;
    bench.add("INSTRUCTIONS");
    bench.add("CONDITIONAL").counts = [](const KnownCounts& known) { return known.conditional(); };
    bench.add("TAKEN").counts = taken_only;
    bench.add("BRANCHES").counts = [](const KnownCounts& known) { return known.branches(); };
    bench.add("CONDITIONAL_TAKEN").counts = [](const KnownCounts& known) { return known.taken; };
    bench.add("BIASED").defects.bias["nested calls"] = 1;
    const Profile profile = calibrated(bench);
    std::vector<std::string> kinds;
    for (const EventFinding& event : profile.cores.at(0).events)
        kinds.push_back(event.counts);
    CHECK(kinds == std::vector<std::string>{"instructions", "conditional branches", "taken branches",
                                            "branches", "taken conditional branches", "instructions"});
}

TEST_CASE("of a counter as the laboratory's: alarms that are lost are seen, and the sound one is taken") {
    SimulatedWorkbench bench;
    SimulatedCounter& instructions = bench.add("INST_RETIRED");
    instructions.loss = 0.9;
    bench.add("BR_RETIRED").counts = [](const KnownCounts&) { return std::int64_t{0}; };
    bench.add("CPU_CYCLES", false);
    const Verdict verdict = verdict_of(bench);
    CHECK(verdict.fitness == Fitness::boundaries);
    REQUIRE(verdict.clock);
    REQUIRE(verdict.alarm);
    CHECK(verdict.clock->name == "INST_RETIRED");
    CHECK(verdict.alarm->name == "CPU_CYCLES");
    CHECK(verdict.margin == 0);
    CHECK_THAT(all_of(verdict.reasons), Contains("INST_RETIRED is no alarm for INST_RETIRED") &&
                                            Contains("BR_RETIRED") && Contains("stays 0"));
}

TEST_CASE("alarms that no margin is safe with leave the order") {
    SimulatedWorkbench bench;
    SimulatedCounter& counter = bench.add("CLOCK");
    SECTION("a few are lost") {
        counter.loss = 0.01;
        CHECK_THAT(all_of(verdict_of(bench).reasons), Contains("never came"));
    }
    SECTION("millions late") {
        counter.skid = [](Random& random) { return static_cast<std::int64_t>(random.below(3'000'000)); };
        CHECK_THAT(all_of(verdict_of(bench).reasons), Contains("more than could be stepped"));
    }
    SECTION("a heavy tail") {
        counter.skid = [](Random& random) {
            return static_cast<std::int64_t>(std::min(1e6, 20 / random.real()));
        };
        const Verdict verdict = verdict_of(bench);
        CHECK_THAT(all_of(verdict.reasons), Contains("CLOCK is no alarm"));
    }
    const Verdict verdict = verdict_of(bench);
    CHECK(verdict.fitness == Fitness::order);
    CHECK(verdict.clock);
    CHECK_FALSE(verdict.alarm);
    CHECK(verdict.margin == 0);
}

TEST_CASE("a host without counters: the reason, the fallback, and what the rest takes") {
    SimulatedWorkbench bench;
    const std::string why =
        "there are no hardware counters: this virtual machine (KVM) shows none; on the host, "
        "start it with -cpu host,pmu=on";
    SECTION("all are refused") {
        for (const char* const name : {"A", "B", "C"})
            bench.add(name).defects.refusal = std::string(name) + " cannot be counted: " + why;
        const Profile profile = calibrated(bench);
        const Verdict& verdict = profile.cores.at(0).verdict;
        CHECK(verdict.fitness == Fitness::nothing);
        CHECK(verdict.fallback == "operations");
        CHECK(verdict.advice == std::vector<std::string>{why});
        CHECK(verdict.reasons.at(0) == "A cannot be counted: " + why + '.');
        CHECK(profile.cores.at(0).costs.signal.n > 10);
        CHECK(profile.cores.at(0).costs.signal.value > 1000);
    }
    SECTION("none is known") {
        const Verdict verdict = verdict_of(bench);
        CHECK(verdict.fitness == Fitness::nothing);
        CHECK_THAT(all_of(verdict.reasons), Contains("--event"));
    }
    SECTION("everything is refused") {
        bench.costs_refused = true;
        bench.add("A").defects.refusal = why;
        const Profile profile = calibrated(bench);
        CHECK(profile.cores.at(0).costs.signal.n == 0);
        CHECK(profile.cores.at(0).verdict.fitness == Fitness::nothing);
    }
    SECTION("interruptions cannot be provoked: nothing is known of what they add") {
        bench.add("A");
        bench.refused_disturbances = {Disturbance::page_fault,  Disturbance::timer_interrupt,
                                      Disturbance::system_call, Disturbance::signal,
                                      Disturbance::migration,   Disturbance::context_switch};
        CHECK(verdict_of(bench).fitness == Fitness::nothing);
        bench.refused_disturbances.pop_back();
        CHECK(verdict_of(bench).fitness == Fitness::boundaries);
    }
}

TEST_CASE(
    "a calibration keeps to its time on hosts however slow, and does not bless what it had no time for") {
    const auto each_ns = GENERATE(1'000, 1'000'000, 100'000'000, 1'000'000'000);
    const auto effort = GENERATE(Effort::quick, Effort::standard);
    SimulatedWorkbench bench;
    bench.each_takes_ns = each_ns;
    bench.all_cores.push_back({.type = "atom", .cpus = {2, 3}});
    for (const char* const name : {"A", "B", "C"})
        bench.add(name).loss = 0.001;
    const std::int64_t begin = bench.now_ns();
    double fraction = 0;
    bool falls = false;
    const auto profile = calibrate(bench, {.effort = effort, .cpus = {}, .events = {}},
                                   [&](const CalibrationProgress& progress) {
                                       falls = falls || progress.fraction < fraction || progress.left_ns < 0;
                                       fraction = progress.fraction;
                                       CHECK_FALSE(progress.doing.empty());
                                   });
    REQUIRE(profile);
    const std::int64_t limit = effort == Effort::quick ? 10'000'000'000 : 60'000'000'000;
    CHECK(bench.now_ns() - begin < limit);
    CHECK_FALSE(falls);
    CHECK(fraction <= 1);
    CHECK(fraction > 0.9);
    if (each_ns == 1'000'000'000 && effort == Effort::quick)
        CHECK(profile->cores.at(0).verdict.fitness == Fitness::nothing);
    CHECK(read_profile(write_profile(*profile), "p"));
}

TEST_CASE("what is wished is checked") {
    SimulatedWorkbench bench;
    bench.all_cores.push_back({.type = "atom", .cpus = {2, 3}});
    bench.add("A");
    bench.add("B");
    const auto with = [&](std::vector<unsigned> cpus, std::vector<std::string> events) {
        return calibrate(bench,
                         {.effort = Effort::quick, .cpus = std::move(cpus), .events = std::move(events)}, {});
    };
    CHECK(with({7}, {}).error() == "there is no CPU 7 here that this process may run on");
    CHECK(with({}, {"C"}).error() == "C: there is no such event");
    const auto atom = with({3}, {"B", "B"});
    REQUIRE(atom);
    REQUIRE(atom->cores.size() == 1);
    CHECK(atom->cores[0].core_type == "atom");
    REQUIRE(atom->cores[0].events.size() == 1);
    CHECK(atom->cores[0].verdict.clock->name == "B");
    CHECK(atom->cores[0].events[0].at_once == 6);
    CHECK(atom->cores[0].events[0].least_period == 1);
    bench.all_cores.clear();
    CHECK_FALSE(with({}, {}));
}
