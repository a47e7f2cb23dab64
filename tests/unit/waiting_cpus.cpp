// Moving to another CPU, and being no less free afterwards.

#include <escapement/placement.hpp>
#include <escapement/waiting.hpp>

#include <catch2/catch.hpp>
#include <sched.h>

#include <set>
#include <thread>

namespace {

using namespace escapement;

TEST_CASE("a thread leaves a CPU, and may run afterwards wherever it could before") {
    const auto allowed = allowed_cpus();
    REQUIRE(allowed);
    CHECK(usable_cpus() == allowed->size());
    if (allowed->size() < 2) {
        WARN("this process may use one CPU only, so there is none to move to: skipped");
        return;
    }
    std::thread([&] {
        for (const unsigned cpu : *allowed) {
            CHECK(leave_cpus({cpu}));
            CHECK(allowed_cpus() == allowed);
        }
        std::set<unsigned> all_but_last = *allowed;
        const unsigned last = *allowed->rbegin();
        all_but_last.erase(last);
        CHECK(leave_cpus(all_but_last));
        CHECK_FALSE(leave_cpus(*allowed));
        CHECK(allowed_cpus() == allowed);
    }).join();
}

TEST_CASE("a thread that may use one CPU stays there") {
    const auto allowed = allowed_cpus();
    REQUIRE(allowed);
    const unsigned only = *allowed->begin();
    std::thread([&] {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(only, &set);
        REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
        CHECK(current_cpu() == only);
        CHECK_FALSE(leave_cpus({only}));
        CHECK(current_cpu() == only);
        CHECK(allowed_cpus() == std::set<unsigned>{only});
    }).join();
}

}  // namespace
