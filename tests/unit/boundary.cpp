// The way to an exact count, with alarms that come as they like.

#include <escapement/boundary.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace escapement;
using Move = Approach::Move;

TEST_CASE("a boundary is approached by alarm, then by steps, and met exactly") {
    CHECK(approach(5, no_boundary, 0).move == Move::run);
    CHECK(approach(5, 5, 100).move == Move::land);
    CHECK(approach(5, 6, 100).move == Move::step);
    CHECK(approach(5, 5 + 100 + shortest_alarm - 1, 100).move == Move::step);
    const Approach alarm = approach(5, 5 + 100 + shortest_alarm, 100);
    CHECK(alarm.move == Move::alarm);
    CHECK(alarm.after == shortest_alarm);
    const Approach missed = approach(17, 10, 100);
    CHECK(missed.move == Move::miss);
    CHECK(missed.after == 7);
}

TEST_CASE("numbers at the ends of their range are no way around a boundary") {
    const Count last = no_boundary - 1;
    CHECK(approach(last, last, 0).move == Move::land);
    CHECK(approach(0, last, 0).after == last);
    CHECK(approach(0, last, no_boundary).move == Move::step);
    CHECK(approach(last, last, no_boundary).move == Move::land);
}

namespace {

struct Walk {
    Count margin;
    Count skid;   ///< at most so late
    Count early;  ///< at most so early: other code's counts are in the alarm's
};

/// A thread that obeys approach(); its alarms come between `early` before and `skid` after what they were set
/// for.
Approach walk(const Walk& walk, Count target, std::mt19937_64& random) {
    Count clock = 0;
    for (;;) {
        const Approach way = approach(clock, target, walk.margin);
        switch (way.move) {
            case Move::step:
                ++clock;
                break;
            case Move::alarm: {
                const Count early = std::min(way.after - 1, random() % (walk.early + 1));
                clock += way.after - early + random() % (walk.skid + 1);
                break;
            }
            default:
                return way;
        }
    }
}

}  // namespace

TEST_CASE("every boundary is met whose alarms are not later than the margin") {
    std::mt19937_64 random(7);
    for (unsigned round = 0; round < 20'000; ++round) {
        const Count skid = random() % 300;
        const Walk each{.margin = skid + random() % 50, .skid = skid, .early = random() % 2000};
        REQUIRE(walk(each, random() % 20'000, random).move == Move::land);
    }
}

TEST_CASE("an alarm that is later than the margin is never taken for a boundary") {
    std::mt19937_64 random(7);
    unsigned missed = 0;
    for (unsigned round = 0; round < 20'000; ++round) {
        const Walk each{.margin = 10, .skid = 30, .early = 0};
        const Approach end = walk(each, 100 + random() % 20'000, random);
        REQUIRE((end.move == Move::land || end.move == Move::miss));
        if (end.move == Move::miss) {
            ++missed;
            REQUIRE(end.after <= 20);
        }
    }
    REQUIRE(missed > 1000);
}
