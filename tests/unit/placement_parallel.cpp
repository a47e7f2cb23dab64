#include "placement_machines.hpp"

#include <escapement/placement.hpp>

#include <catch2/catch.hpp>

using namespace escapement;
using machines::range;
using Cpus = std::set<unsigned>;

namespace {

Placement parallel(unsigned participants, const Cpus& allowed, const std::string& machine,
                   Siblings siblings = Siblings::apart) {
    const auto placement = choose_parallel(participants, allowed, siblings, machine);
    REQUIRE(placement);
    return *placement;
}

}  // namespace

TEST_CASE("a parallel domain gets physical cores that share the closest cache") {
    // Two packages of two L3 caches of two L2 caches of two cores: 16 CPUs.
    const std::string machine = "package:2 [numa] l3:2 l2:2 core:2 pu:1";
    const Cpus all = range(0, 15);
    const Placement two = parallel(2, all, machine);
    CHECK(two.cpus == Cpus{14, 15});
    CHECK(two.reason == "parallel: 2 physical cores of one L2 cache; this process may use CPUs 0-15");
    const Placement three = parallel(3, all, machine);
    CHECK(three.cpus == Cpus{13, 14, 15});
    CHECK(three.reason ==
          "parallel: 3 physical cores of one L3 cache (no L2 cache has more than 2 usable); "
          "this process may use CPUs 0-15");
    CHECK(parallel(4, all, machine).cpus == range(12, 15));
    const Placement five = parallel(5, all, machine);
    CHECK(five.cpus == range(11, 15));
    CHECK(five.reason ==
          "parallel: 5 physical cores of one NUMA node (no L3 cache has more than 4 usable); "
          "this process may use CPUs 0-15");
    const Placement nine = parallel(9, all, machine);
    CHECK(nine.cpus == range(7, 15));
    CHECK(nine.reason ==
          "parallel: 9 physical cores of one machine (no NUMA node has more than 8 usable), in 2 NUMA "
          "nodes: some of their memory is another's; this process may use CPUs 0-15");
    CHECK(parallel(1, all, machine).cpus == Cpus{15});
}

TEST_CASE("holes in what is allowed move a parallel domain to where there is room") {
    const std::string machine = "package:2 [numa] l3:2 l2:2 core:2 pu:1";
    // No whole L2 but the first; the last L3 has one core, the third three.
    const Cpus holes{0, 1, 3, 5, 8, 9, 10, 15};
    CHECK(parallel(2, holes, machine).cpus == Cpus{8, 9});
    CHECK(parallel(3, holes, machine).cpus == Cpus{8, 9, 10});
    CHECK(parallel(4, holes, machine).cpus == Cpus{8, 9, 10, 15});
}

TEST_CASE("two hardware threads of one core are one place unless asked") {
    const std::string machine = "package:2 l3:1 core:2 pu:2";  // siblings: 0 and 1, …, 6 and 7
    CHECK(parallel(2, range(0, 7), machine).cpus == Cpus{4, 6});
    CHECK(parallel(2, {0, 1, 3}, machine).cpus == Cpus{0, 3});
    CHECK(parallel(3, range(0, 7), machine).cpus == Cpus{2, 4, 6});
    const Placement crowded = parallel(6, range(0, 7), machine);
    CHECK(crowded.cpus == Cpus{0, 2, 4, 6});
    CHECK(crowded.reason.find("4 physical cores for 6 participants (no more are usable without siblings)") !=
          std::string::npos);
    const Placement siblings = parallel(2, range(0, 7), machine, Siblings::together);
    CHECK(siblings.cpus == Cpus{6, 7});
    CHECK(siblings.reason == "parallel: 2 hardware threads of one core; this process may use CPUs 0-7");
    CHECK(parallel(6, range(0, 7), machine, Siblings::together).cpus == range(2, 7));
}

TEST_CASE("siblings are told by their core, not by their numbers") {
    // As Linux numbers them: 0 to 3 are four cores, 4 to 7 their siblings.
    const std::string machine = "package:2 l3:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)";
    CHECK(parallel(2, range(0, 7), machine).cpus == Cpus{2, 3});
    CHECK(parallel(2, {0, 4, 1}, machine).cpus == Cpus{0, 1});
    CHECK(parallel(2, {3, 7}, machine).cpus == Cpus{3});
    CHECK(parallel(2, range(0, 7), machine, Siblings::together).cpus == Cpus{3, 7});
}

TEST_CASE("sockets whose numbers alternate are kept apart") {
    const std::string machine = "package:2 [numa] l3:1 core:4 pu:1(indexes=0,2,4,6,1,3,5,7)";
    CHECK(parallel(2, range(0, 7), machine).cpus == Cpus{5, 7});
    CHECK(parallel(4, range(0, 7), machine).cpus == Cpus{1, 3, 5, 7});
    CHECK(parallel(3, {0, 1, 2, 4, 7}, machine).cpus == Cpus{0, 2, 4});
}

TEST_CASE("core types are not mixed") {
    // Four fast cores and twelve slower ones, four to an L2.
    const std::string machine = machines::make(
        "package:1 l3:1 l2:4 core:4 pu:1", {{range(0, 3), 10, "IntelCore"}, {range(4, 15), 1, "IntelAtom"}});
    const Placement fast = parallel(3, range(0, 15), machine);
    CHECK(fast.cpus == Cpus{1, 2, 3});
    CHECK(fast.reason ==
          "parallel: 3 physical cores of the fastest core type (IntelCore) of one L2 cache; this process may "
          "use "
          "CPUs 0-15");
    const Placement slow = parallel(6, range(0, 15), machine);
    CHECK(slow.cpus == range(10, 15));
    CHECK(slow.reason.find("of a slower core type (IntelAtom), since the fastest has only 4 usable of one L3 "
                           "cache (no L2 cache has more than 4 usable)") != std::string::npos);
    const Placement most = parallel(14, range(0, 15), machine);
    CHECK(most.cpus == range(4, 15));
    CHECK(most.reason.find("12 physical cores for 14 participants (no more are usable of one core type) "
                           "of a slower core type") != std::string::npos);
    CHECK(parallel(2, {2, 3, 14, 15}, machine).cpus == Cpus{2, 3});
    CHECK(parallel(2, {3, 14, 15}, machine).cpus == Cpus{14, 15});
    CHECK(parallel(2, {3, 15}, machine).cpus == Cpus{3});  // one of each: the faster
}

TEST_CASE("a NUMA node inside a cache is closer than the cache") {
    // As with sub-NUMA clustering: one L3, two nodes below it.
    const std::string machine = "package:1 l3:1 group:2 [numa] core:4 pu:1";
    const Placement four = parallel(4, range(0, 7), machine);
    CHECK(four.cpus == range(4, 7));
    CHECK(four.reason.find("of one NUMA node;") != std::string::npos);
    const Placement five = parallel(5, range(0, 7), machine);
    CHECK(five.cpus == range(3, 7));
    CHECK(five.reason.find("in 2 NUMA nodes") != std::string::npos);
}

TEST_CASE("of equally close places one with memory is taken") {
    const std::string machine = machines::make("package:2 [numa(memory=1GB)] l3:1 core:4 pu:1", {}, {0});
    CHECK(parallel(2, range(0, 7), machine).cpus == Cpus{2, 3});
    CHECK(parallel(2, range(3, 7), machine).cpus == Cpus{6, 7});  // closeness goes first
}

TEST_CASE("one allowed CPU is all that many participants get") {
    const Placement one = parallel(4, {9}, "package:2 core:8 pu:1");
    CHECK(one.cpus == Cpus{9});
    CHECK(one.reason ==
          "parallel: 1 physical core for 4 participants (no more are usable); this process may use CPU 9");
    CHECK_FALSE(choose_parallel(0, {0}, Siblings::apart, "core:2 pu:1"));
    CHECK_FALSE(choose_parallel(2, {}, Siblings::apart, "core:2 pu:1"));
    CHECK_FALSE(choose_parallel(2, {0}, Siblings::apart, "no such machine"));
}

TEST_CASE("a parallel domain on this machine stays inside what this process may use") {
    const auto allowed = allowed_cpus();
    REQUIRE(allowed);
    for (unsigned participants = 1; participants <= allowed->size() + 1; ++participants) {
        const auto placement = choose_parallel(participants, *allowed);
        REQUIRE(placement);
        CAPTURE(placement->reason);
        CHECK_FALSE(placement->cpus.empty());
        CHECK(placement->cpus.size() <= participants);
        for (const unsigned cpu : placement->cpus)
            CHECK(allowed->contains(cpu));
    }
}
