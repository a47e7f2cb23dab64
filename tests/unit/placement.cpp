#include <escapement/placement.hpp>

#include <catch2/catch.hpp>

using namespace escapement;

TEST_CASE("a serial domain gets one CPU of one allowed physical core") {
    // Two sockets of four cores of two hardware threads: CPUs 2n and 2n+1 are siblings.
    const std::string machine = "package:2 core:4 pu:2";
    const auto whole = choose_serial({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, machine);
    REQUIRE(whole);
    CHECK(whole->cpus == std::set<unsigned>{14});
    const auto inside = choose_serial({1, 2, 3}, machine);
    REQUIRE(inside);
    CHECK(inside->cpus == std::set<unsigned>{2});
    CHECK(inside->reason == "serial: one physical core of 2 usable; this process may use CPUs 1-3");
}

TEST_CASE("a serial domain stays inside what this process may use") {
    const auto allowed = allowed_cpus();
    REQUIRE(allowed);
    const auto placement = choose_serial(*allowed);
    REQUIRE(placement);
    REQUIRE(placement->cpus.size() == 1);
    CHECK(allowed->contains(*placement->cpus.begin()));
}

TEST_CASE("a machine that is none is refused") {
    CHECK_FALSE(choose_serial({0}, "no such machine"));
}

TEST_CASE("lists of CPUs are read and written") {
    const std::set<unsigned> allowed{0, 1, 2, 3, 8};
    const auto list = parse_cpus("0-2,8", allowed);
    REQUIRE(list);
    CHECK(list->cpus == std::set<unsigned>{0, 1, 2, 8});
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
