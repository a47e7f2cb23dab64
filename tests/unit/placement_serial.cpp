#include "doctor_files.hpp"
#include "placement_machines.hpp"

#include <escapement/placement.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace escapement;
using machines::range;

namespace {

Placement serial(const std::set<unsigned>& allowed, const std::string& machine) {
    const auto placement = choose_serial(allowed, machine);
    REQUIRE(placement);
    return *placement;
}

}  // namespace

TEST_CASE("a serial domain gets one CPU of one allowed physical core") {
    // Two sockets of four cores of two hardware threads: CPUs 2n and 2n+1 are siblings.
    const std::string machine = "package:2 core:4 pu:2";
    CHECK(serial(range(0, 15), machine).cpus == std::set<unsigned>{14});
    const Placement inside = serial({1, 2, 3}, machine);
    CHECK(inside.cpus == std::set<unsigned>{2});
    CHECK(inside.reason == "serial: one physical core of 2 usable; this process may use CPUs 1-3");
    CHECK(serial({5}, machine).cpus == std::set<unsigned>{5});
}

TEST_CASE("a serial domain stays inside what this process may use") {
    const auto allowed = allowed_cpus();
    REQUIRE(allowed);
    const auto placement = choose_serial(*allowed);
    REQUIRE(placement);
    REQUIRE(placement->cpus.size() == 1);
    CHECK(allowed->contains(*placement->cpus.begin()));
}

TEST_CASE("a serial domain gets a core of the fastest type that it may use") {
    // The slower cores have the higher numbers, as Intel's have.
    const std::string machine = machines::make(
        "package:1 core:8 pu:1", {{range(0, 3), 10, "IntelCore"}, {range(4, 7), 1, "IntelAtom"}});
    const Placement fast = serial(range(0, 7), machine);
    CHECK(fast.cpus == std::set<unsigned>{3});
    CHECK(fast.reason ==
          "serial: one physical core of 4 usable of the fastest core type (IntelCore); this process may use "
          "CPUs "
          "0-7");
    CHECK(serial({1, 6, 7}, machine).cpus == std::set<unsigned>{1});
    const Placement slow = serial({5, 6}, machine);  // nothing faster is allowed
    CHECK(slow.cpus == std::set<unsigned>{6});
    CHECK(slow.reason == "serial: one physical core of 2 usable; this process may use CPUs 5-6");
}

TEST_CASE("core types of unknown speed are told of") {
    const std::string machine =
        machines::make("package:1 core:6 pu:1", {{range(0, 3), -1, "left"}, {range(4, 5), -1, "right"}});
    const Placement either = serial(range(0, 5), machine);
    CHECK(either.cpus == std::set<unsigned>{3});  // there are more of these
    CHECK(either.reason.find("of one core type (left), which of them is faster is not known") !=
          std::string::npos);
}

TEST_CASE("CPUs are the operating system's, not hwloc's") {
    // CPUs 0 and 4 are one core, 1 and 5 the next, …; hwloc counts them 0 and 1, 2 and 3, …
    const std::string machine = "package:2 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)";
    CHECK(serial(range(0, 7), machine).cpus == std::set<unsigned>{3});
    CHECK(serial({0, 4}, machine).reason.find("one physical core of 1 usable") != std::string::npos);
    CHECK(serial({0, 1}, machine).reason.find("one physical core of 2 usable") != std::string::npos);
    CHECK(serial({4, 5, 6}, machine).cpus == std::set<unsigned>{6});
    // The highest CPU is not on the last core.
    CHECK(serial(range(0, 3), "package:1 core:4 pu:1(indexes=0,3,2,1)").cpus == std::set<unsigned>{3});
}

TEST_CASE("of equal cores one with memory of its own is taken") {
    const std::string machine = machines::make("package:2 [numa(memory=1GB)] core:2 pu:1", {}, {0});
    CHECK(serial(range(0, 3), machine).cpus == std::set<unsigned>{1});
    CHECK(serial({2, 3}, machine).cpus == std::set<unsigned>{3});
}

TEST_CASE("a serial domain goes where the fewest other processes are bound") {
    const std::string machine = "package:2 core:2 pu:2";
    const auto cpus = [&](const std::vector<std::set<unsigned>>& bound) {
        const auto placement = choose_serial(range(0, 7), machine, bound);
        REQUIRE(placement);
        return placement->cpus;
    };
    CHECK(cpus({}) == std::set<unsigned>{6});
    CHECK(cpus({{6}}) == std::set<unsigned>{4});
    CHECK(cpus({{7}}) == std::set<unsigned>{4});  // the other hardware thread of the same core
    CHECK(cpus({{6, 7}, {4}}) == std::set<unsigned>{2});
    CHECK(cpus({{6}, {4}, {2}, {0}}) == std::set<unsigned>{6});
    CHECK(cpus({{6}, {6}, {4}, {2}, {0}}) == std::set<unsigned>{4});
    CHECK(cpus({range(4, 7), {99}}) == std::set<unsigned>{6});  // bound to no one core of this machine
    const auto placement = choose_serial(range(0, 7), machine, {{6}});
    CHECK(placement->reason ==
          "serial: one physical core of 4 usable, 1 left to processes that are bound there; this process may "
          "use CPUs 0-7");
    // A slower type is no way out.
    const std::string hybrid = machines::make(
        "package:1 core:4 pu:1", {{range(0, 1), 10, "IntelCore"}, {range(2, 3), 1, "IntelAtom"}});
    const auto fast = choose_serial(range(0, 3), hybrid, {{0}, {1}});
    REQUIRE(fast);
    CHECK(fast->cpus == std::set<unsigned>{1});
}

TEST_CASE("the processes that are bound are found") {
    DoctorFiles files;
    files.with("proc/10/status", "Name:\tqemu\nVmSize:\t 10 kB\nCpus_allowed_list:\t3\n")
        .with("proc/11/status", "Name:\tpool\nVmSize:\t 10 kB\nCpus_allowed_list:\t0-1,4\n")
        .with("proc/12/status", "Name:\tall\nVmSize:\t 10 kB\nCpus_allowed_list:\t0-4294967295\n")
        .with("proc/13/status", "Name:\tkworker/5\nCpus_allowed_list:\t5\n")
        .with("proc/14/status", "Name:\todd\nVmSize:\t 10 kB\nCpus_allowed_list:\t7-2\n")
        .with("proc/15/status", "")
        .with("proc/self/status", "VmSize:\t 10 kB\nCpus_allowed_list:\t6\n")
        .with("proc/16x/status", "VmSize:\t 10 kB\nCpus_allowed_list:\t6\n");
    auto bound = bound_processes(files.path() + "/");
    std::sort(bound.begin(), bound.end());
    CHECK(bound == std::vector<std::set<unsigned>>{{0, 1, 4}, {3}});
    CHECK(bound_processes("/no such place/").empty());
}

TEST_CASE("a machine that is none is refused") {
    CHECK_FALSE(choose_serial({0}, "no such machine"));
    CHECK_FALSE(choose_serial({0}, "<no such machine"));
    const auto nowhere = choose_serial({7}, "core:2 pu:1");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error() == "no CPU that this process may use is there; this process may use CPU 7");
    CHECK_FALSE(choose_serial({}, "core:2 pu:1"));
}

TEST_CASE("lists of CPUs are read and written") {
    const std::set<unsigned> allowed{0, 1, 2, 3, 8};
    const auto list = parse_cpus("0-2,8", allowed);
    REQUIRE(list);
    CHECK(list->cpus == std::set<unsigned>{0, 1, 2, 8});
    CHECK(list->reason == "as asked; this process may use CPUs 0-3,8");
    CHECK(format_cpus(list->cpus) == "0-2,8");
    CHECK(format_cpus({}).empty());
    for (const char* const bad : {"", "x", "1-", "-1", "3-1", "1,,2", "0x1", "1,", "99999999999"}) {
        const auto refused = parse_cpus(bad, allowed);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().find("is not a list of CPUs") != std::string::npos);
    }
    const auto outside = parse_cpus("3-4", allowed);
    REQUIRE_FALSE(outside);
    CHECK(outside.error() == "CPU 4 cannot be used: this process may use CPUs 0-3,8");
}
