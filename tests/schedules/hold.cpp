#include "program.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>

namespace escapement::schedules {

std::vector<Record> hold(const std::vector<Program>& programs, const Settings& settings, const char* text) {
    std::vector<Record> records;
    std::uint64_t states = 0;
    std::uint64_t steps = 0;
    for (const Program& each : programs) {
        const Exploration found = explore(each, settings);
        INFO(each.name << ", " << text);
        INFO(found.defect);
        CHECK(found.defect.empty());
        CHECK(found.complete);
        CHECK(found.deadlock == each.deadlock);
        records.push_back(found.record);
        states += found.states;
        steps += found.steps;
        if (std::getenv("ESCAPEMENT_TEST_VERBOSE") != nullptr)
            std::cerr << "  " << found.states << " states, " << found.steps << " steps: " << each.name
                      << "\n";
    }
    std::cerr << text << ": " << programs.size() << " programs, " << states << " states, " << steps
              << " steps\n";
    return records;
}

}  // namespace escapement::schedules
