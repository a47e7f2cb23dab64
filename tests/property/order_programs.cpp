// Programs at random, each under many host schedules: the order is the same in all of them, and right.

#include "check_many.hpp"
#include "generator.hpp"
#include "schedules.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <iostream>

namespace escapement::simulation {
namespace {

constexpr unsigned schedules_per_program = 20;

struct Totals {
    std::size_t programs = 0;
    std::size_t runs = 0;
    std::size_t events = 0;
    std::size_t steps = 0;
    std::size_t deadlocks = 0;
};

void check_program(const Sketch& sketch, Totals& totals) {
    const Program program = program_of(sketch);
    RandomChooser random(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    Outcome first;
    for (unsigned schedule = 0; schedule < schedules_per_program; ++schedule) {
        const Keys keys = random_keys(random);
        Simulation simulation(program, keys, random, {});
        Outcome outcome = simulation.run();
        RC_ASSERT(outcome.defect == "");
        ++totals.runs;
        totals.steps += outcome.steps;
        if (schedule == 0) {
            first = std::move(outcome);
        } else {
            RC_ASSERT(first_difference(first, outcome) == "");
        }
    }
    ++totals.programs;
    totals.events += first.events.size();
    totals.deadlocks += first.deadlock ? 1 : 0;
}

TEST_CASE("a program has one order, whatever the host's scheduler does") {
    Totals totals;
    const bool holds = check_many("one order under every schedule", ESCAPEMENT_TEST_PROGRAMS,
                                  [&totals](const Sketch& sketch) { check_program(sketch, totals); });
    std::cerr << totals.programs << " programs, " << totals.runs << " runs, " << totals.events
              << " events in the programs, " << totals.steps << " steps of the host, " << totals.deadlocks
              << " deadlocks\n";
    REQUIRE(holds);
    CHECK(totals.deadlocks > totals.programs / 100);
    CHECK(totals.deadlocks < totals.programs / 2);
}

}  // namespace
}  // namespace escapement::simulation
