// Two calibrations of one host: what is the same is not told, what has changed is.
#include "simulated_workbench.hpp"

#include <catch2/catch.hpp>

using namespace escapement;
using namespace escapement::simulated;
using Catch::Matchers::Contains;

namespace {

Profile host(std::uint64_t seed, const std::function<void(SimulatedWorkbench&)>& change = {}) {
    SimulatedWorkbench bench(seed);
    SimulatedCounter& counter = bench.add("CLOCK");
    counter.skid = [](Random& random) { return static_cast<std::int64_t>(random.below(40)); };
    bench.add("NOISY").defects.overcount[Disturbance::page_fault] = 0.5;
    if (change) change(bench);
    return calibrated(bench);
}

std::string lines(const Profile& then, const Profile& now) {
    const Drift found = drift(then, now);
    std::string text;
    for (const std::string& line : found.facts)
        text += line + '\n';
    for (const std::string& line : found.times)
        text += "time: " + line + '\n';
    return text;
}

}  // namespace

TEST_CASE("drift: a host that has not changed has not drifted") {
    const Profile then = host(1);
    CHECK(lines(then, then).empty());
    for (std::uint64_t seed = 2; seed < 12; ++seed)
        CHECK_THAT(lines(then, host(seed)), Catch::Matchers::Equals(""));
}

TEST_CASE("drift: what has changed is told, and what it does to the promise") {
    const Profile then = host(1);
    REQUIRE(then.cores.at(0).verdict.fitness == Verdict::Fitness::boundaries);
    const auto after = [&](const std::function<void(SimulatedCounter&)>& change) {
        return lines(then, host(2, [&](SimulatedWorkbench& bench) { change(bench.counters.front()); }));
    };
    CHECK_THAT(after([](auto& counter) { counter.skid = constant(5000); }),
               Contains("cpu: the alarm CLOCK came 5000 late") && Contains("half of all came within"));
    CHECK_THAT(after([](auto& counter) { counter.loss = 0.01; }),
               Contains("fit for boundaries, and is fit for order") && Contains("were lost"));
    CHECK_THAT(after([](auto& counter) { counter.defects.overcount[Disturbance::signal] = 2; }),
               Contains("fit for boundaries, and is fit for nothing") &&
                   Contains("cpu: CLOCK, idle: counts added by each signal was 0"));
    CHECK_THAT(after([](auto& counter) { counter.defects.bias["nested calls"] = 1; }),
               Contains("'nested calls' was off by +0 to +0"));
    CHECK_THAT(after([](auto& counter) { counter.defects.refusal = "taken"; }),
               Contains("what refuses it was none, and is \"taken\""));
    CHECK_THAT(after([](auto& counter) { counter.rate = 2; }),
               Contains("time: cpu: CLOCK, idle: the rate was 1"));
    CHECK_THAT(after([](auto& counter) { counter.least_period = 64; }), Contains("the least period was 1"));
    Profile other = then;
    other.host.kernel = "6.2";
    other.cores[0].events.pop_back();
    CHECK_THAT(lines(then, other), Contains("kernel is 6.1 in the profile and 6.2 here") &&
                                       Contains("NOISY was there and is not any more"));
}
