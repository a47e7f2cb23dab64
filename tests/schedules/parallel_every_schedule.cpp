// Small programs in parallel, under every schedule that a processor can produce.

#include "program.hpp"

#include <catch2/catch.hpp>

#include <iostream>

namespace escapement::schedules {
namespace {

using enum Do;

const Code nested{
    {.what = lock}, {.what = lock, .object = 1}, {.what = unlock, .object = 1}, {.what = unlock}};
const Code crosswise{
    {.what = lock, .object = 1}, {.what = lock}, {.what = unlock}, {.what = unlock, .object = 1}};
const Code consumer{{.what = lock}, {.what = wait}, {.what = unlock}};
const Code producer{{.what = advance, .amount = 9}, {.what = lock}, {.what = wake}, {.what = unlock}};

std::vector<Program> of_two() {
    return {
        {"two take a mutex", false, {section() + section(), section()}},
        {"each takes its own", false, {section() + section(), section(1)}},
        {"two mutexes, one in the other", false, {nested, nested}},
        {"two mutexes in opposite order", true, {nested, crosswise}},
        {"a wake-up", false, {consumer + section(1), producer}},
        {"a wake-up that nobody waits for yet",
         true,
         {Code{{.what = advance, .amount = 50}} + consumer, producer}},
        {"a wait that times out or not",
         false,
         {{{.what = lock}, {.what = timed_wait, .amount = 8}, {.what = unlock}}, producer}},
        {"a lock that times out, and a try",
         false,
         {{{.what = timed_lock, .amount = 3}, {.what = unlock}, {.what = try_lock}, {.what = unlock}},
          Code{{.what = lock}, {.what = advance, .amount = 4}, {.what = unlock}} + section()}},
        {"turns of their own", false, {{{.what = turn}, {.what = turn}}, {{.what = turn}}}},
        {"a promise",
         false,
         {Code{{.what = promise, .amount = 5}, {.what = advance, .amount = 5}} + section(), section()}},
        {"a semaphore and an event",
         false,
         {{{.what = acquire}, {.what = set}}, {{.what = release}, {.what = wait_set}}}},
        {"sleep and join",
         false,
         {{{.what = join, .object = 1}}, Code{{.what = sleep, .amount = 20}} + section()}},
        {"one is outside until its deadline",
         false,
         {{{.what = outside, .amount = 12}}, section() + section()},
         10},
        {"one is a quantum ahead",
         false,
         {{{.what = advance, .amount = 30}, {.what = advance, .amount = 30}, {.what = turn}},
          {{.what = turn}, {.what = advance, .amount = 25}, {.what = turn}}},
         10},
    };
}

std::vector<Program> of_three() {
    return {
        {"three take a mutex", false, {section(), section(), section()}},
        {"three, two mutexes", false, {nested, section(1), section()}},
        {"two mutexes and a condition", false, {consumer, producer + section(1), section(1)}},
        {"one wake-up for two", true, {consumer, consumer, producer}},
        {"a broadcast",
         false,
         {consumer, consumer, {{.what = advance, .amount = 9}, {.what = wake, .amount = 9}}}},
        {"two mutexes in opposite order, and a bystander", true, {nested, crosswise, section()}},
        {"turns of three", false, {{{.what = turn}}, {{.what = turn}}, {{.what = turn}}}},
    };
}

TEST_CASE("two in parallel have one order under every schedule") {
    hold(of_two(), {}, "two, giving way");
    hold(of_two(), {.awake = true}, "two, awake");
}

TEST_CASE("two in parallel have one order also where stores come late") {
    hold(of_two(), {.store_buffers = true}, "two, giving way, with store buffers");
}

TEST_CASE("three in parallel, two mutexes and a condition, have one order under every schedule") {
    hold({{"three", false, {consumer, {{.what = advance, .amount = 9}, {.what = wake}}, section(1)}}}, {},
         "three, giving way");
}

/// Whoever comes after the one that is woken must not be let through by a look at both that is half as old as
/// the waking and half younger.
const Program one_wakes_one_comes_later{
    .name = "one is woken, and one comes later",
    .participants = {{{.what = advance, .amount = 30}, {.what = turn}},
                     {{.what = wait_set}, {.what = turn}},
                     {{.what = advance, .amount = 9}, {.what = set}, {.what = advance, .amount = 50}}}};

TEST_CASE("a protocol that is broken is found out") {
    const Exploration never_woken = explore({.participants = {section(), section()}}, {.lost_unpark = true});
    CHECK(never_woken.defect.find("nobody can go on") == 0);
    const Exploration stale =
        explore(one_wakes_one_comes_later, {.lost_additions = true, .walks = 1'000'000});
    CHECK(stale.defect.find("another order") == 0);
    std::cerr << "found after " << never_woken.steps << " and " << stale.steps << " steps\n";
}

TEST_CASE("every schedule of larger programs in parallel", "[.][soak]") {
    hold(of_two(), {.awake = true, .store_buffers = true}, "two, awake, with store buffers");
    hold(of_three(), {}, "three, giving way");
    hold(of_three(), {.awake = true}, "three, awake");
    hold(of_three(), {.store_buffers = true}, "three, giving way, with store buffers");
}

}  // namespace
}  // namespace escapement::schedules
