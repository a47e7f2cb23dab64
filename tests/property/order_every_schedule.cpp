// Small programs under every schedule that a host can produce.

#include "schedules.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>

namespace escapement::simulation {
namespace {

using enum Operation;

struct Case {
    const char* name;
    bool deadlock;
    std::vector<std::vector<Instruction>> threads;
};

/// The recurring beginning and end of thread 0.
std::vector<Instruction> around(std::vector<Instruction> inner, unsigned others) {
    std::vector<Instruction> code;
    for (unsigned thread = 1; thread <= others; ++thread) {
        code.push_back({.operation = create, .object = static_cast<std::uint8_t>(thread)});
    }
    code.insert(code.end(), inner.begin(), inner.end());
    for (unsigned thread = 1; thread <= others; ++thread) {
        code.push_back({.operation = join, .object = static_cast<std::uint8_t>(thread)});
    }
    return code;
}

std::vector<Case> cases() {
    const std::vector<Instruction> section{
        {.operation = lock}, {.operation = compute, .amount = 3}, {.operation = unlock}};
    const std::vector<Instruction> consumer{
        {.operation = lock}, {.operation = wait}, {.operation = compute, .amount = 1}, {.operation = unlock}};
    const std::vector<Instruction> late_consumer{{.operation = sleep, .amount = 2000},
                                                 {.operation = lock},
                                                 {.operation = wait},
                                                 {.operation = unlock}};
    const std::vector<Instruction> timed_consumer{
        {.operation = lock}, {.operation = timed_wait, .amount = 300}, {.operation = unlock}};
    const std::vector<Instruction> late_producer{{.operation = sleep, .amount = 2000},
                                                 {.operation = lock},
                                                 {.operation = wake, .amount = 1},
                                                 {.operation = unlock}};
    const std::vector<Instruction> producer{{.operation = compute, .amount = 1},
                                            {.operation = lock},
                                            {.operation = wake, .amount = 1},
                                            {.operation = unlock}};
    const std::vector<Instruction> first_then_second{{.operation = lock, .object = 0},
                                                     {.operation = sleep, .amount = 900},
                                                     {.operation = lock, .object = 1},
                                                     {.operation = unlock, .object = 1},
                                                     {.operation = unlock, .object = 0}};
    const std::vector<Instruction> second_then_first{{.operation = lock, .object = 1},
                                                     {.operation = sleep, .amount = 900},
                                                     {.operation = lock, .object = 0},
                                                     {.operation = unlock, .object = 0},
                                                     {.operation = unlock, .object = 1}};
    const std::vector<Instruction> poller{{.operation = poll}, {.operation = read_time}};
    const std::vector<Instruction> timed_poller{{.operation = timed_poll, .amount = 250},
                                                {.operation = read_time}};
    const std::vector<Instruction> writer{{.operation = compute, .amount = 2}, {.operation = write}};
    const std::vector<Instruction> goes_outside{{.operation = leave, .amount = 1}, {.operation = read_time}};
    const std::vector<Instruction> timed_section{
        {.operation = timed_lock, .amount = 150}, {.operation = unlock}, {.operation = read_time}};
    std::vector<Instruction> twice = section;
    twice.insert(twice.end(), section.begin(), section.end());

    return {
        {"two take a mutex by turns", false, {around(twice, 1), twice}},
        {"three take a mutex by turns", false, {around(section, 2), section, section}},
        {"producer and consumer", false, {around(late_producer, 1), consumer}},
        {"producer and two consumers, one wake-up", true, {around(late_producer, 2), consumer, consumer}},
        {"a time-out and a signal race", false, {around(producer, 1), timed_consumer}},
        {"two time-outs and a signal race", false, {around(producer, 2), timed_consumer, timed_consumer}},
        {"a wake-up that nobody waits for yet", true, {around(producer, 1), late_consumer}},
        {"two mutexes in opposite order", true, {around(first_then_second, 1), second_then_first}},
        {"two mutexes in opposite order, and a bystander",
         true,
         {around(first_then_second, 2), second_then_first, twice}},
        {"two mutexes in the same order", false, {around(first_then_second, 1), first_then_second}},
        {"a join before the end and one after",
         false,
         {around({{.operation = sleep, .amount = 500}}, 2), section, {}}},
        {"a poll and a write", false, {around(writer, 1), poller}},
        {"a poll that times out or not", false, {around(writer, 2), timed_poller, timed_poller}},
        {"a poll that nobody writes for", true, {around({}, 1), poller}},
        {"one is outside while others take a mutex", false, {around(section, 2), goes_outside, section}},
        {"a timed lock and its holder", false, {around(section, 2), timed_section, section}},
        {"one gives way until the other is done",
         false,
         {around({{.operation = give_way}, {.operation = give_way}}, 1), section}},
    };
}

TEST_CASE("small programs have one order under every host schedule") {
    std::size_t runs = 0;
    std::size_t states = 0;
    double schedules = 0;
    for (const Case& each : cases()) {
        double of_this = 0;
        for (const Policy policy : {Policy::counted, Policy::ticktock}) {
            for (const Count quantum : {Count{1}, Count{2}, Count{3}, Count{7}, Count{1000}}) {
                if (policy == Policy::ticktock && quantum != 1) continue;
                const Program program{.policy = policy, .quantum = quantum, .threads = each.threads};
                const Exploration found =
                    explore(program, {.wakeups_for_nothing = 1, .idles_for_nothing = 1});
                INFO(each.name << "\n" << program);
                INFO(found.defect);
                REQUIRE(found.defect.empty());
                CHECK(found.outcome.deadlock == each.deadlock);
                runs += found.runs;
                states += found.states;
                of_this += found.schedules;
            }
        }
        std::cerr << "  " << of_this << " schedules: " << each.name << "\n";
        schedules += of_this;
    }
    std::cerr << schedules << " schedules of " << cases().size() << " programs, " << states << " states, "
              << runs << " runs\n";
}

}  // namespace
}  // namespace escapement::simulation
