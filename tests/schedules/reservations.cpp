// Mutexes that are reserved, under every schedule: who had one, who comes for it, and that it makes no
// difference to the order whether the one that has it waits for its turn (as it does when a journal is
// written) or not.

#include "program.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

namespace escapement::schedules {
namespace {

using enum Do;

Instruction ahead(Count counts) {
    return {.what = advance, .amount = counts};
}

/// A section in the first round, after which the mutex is reserved from the second on, and one there.
Code having(unsigned mutex = 0) {
    return section(mutex) + Code{ahead(9)} + section(mutex);
}

std::vector<Program> programs() {
    const auto of = [](const char* name, std::vector<Code> participants) {
        return Program{
            .name = name, .participants = std::move(participants), .quantum = 10, .reserves_after = 1};
    };
    return {
        of("each has its own", {having(0), having(1)}),
        of("another comes in the second round",
           {having() + Code{ahead(3)} + section(), Code{ahead(13)} + section()}),
        of("another comes in the first", {having(), Code{ahead(6)} + section()}),
        of("another comes as the round begins", {having(), Code{ahead(9)} + section()}),
        of("it is held past the round's end",
           {section() + Code{ahead(9), {.what = lock}, ahead(12), {.what = unlock}},
            Code{ahead(13)} + section()}),
        of("another tries", {having(), {ahead(13), {.what = try_lock}, {.what = unlock}}}),
        of("another tries for a while",
           {having() + section(), {ahead(13), {.what = timed_lock, .amount = 2}, {.what = unlock}}}),
        of("who waits for it is woken by who has it",
           {Code{ahead(3)} + section() + section() +
                Code{ahead(8), {.what = lock}, {.what = wake}, {.what = unlock}} + section(),
            {{.what = lock}, {.what = wait}, {.what = unlock}}}),
        of("who gets it had to wait for it, or had not",
           {Code{{.what = lock}, ahead(5), {.what = unlock}, ahead(8)} + section(),
            Code{ahead(2)} + section() + Code{ahead(3)} + section()}),
        of("who has it takes turns of its own",
           {section() + Code{ahead(9)} + section() + Code{{.what = turn}} + section() + section(),
            Code{ahead(10), {.what = turn}, ahead(5), {.what = turn}}}),
        of("each comes for the other's", {having(0) + section(1), having(1) + section(0)}),
    };
}

/// What must be the same with and without a witness.
void compare(const Record& seen, const Record& unseen) {
    CHECK(seen.participants == unseen.participants);
    CHECK(seen.mutexes == unseen.mutexes);
}

void hold_witnessed_or_not(Settings settings, const std::string& text) {
    const std::vector<Record> seen = hold(programs(), settings, text.c_str());
    settings.unwitnessed = true;
    const std::vector<Record> unseen = hold(programs(), settings, (text + ", unwitnessed").c_str());
    for (std::size_t number = 0; number < seen.size(); ++number) {
        INFO(programs()[number].name << ", " << text);
        compare(seen[number], unseen[number]);
    }
}

TEST_CASE("reserved mutexes have one order under every schedule") {
    hold_witnessed_or_not({}, "reserved, giving way");
}

TEST_CASE("who comes for what is reserved to another gets it as the next round begins") {
    const Program another_comes = programs()[1];
    for (const bool unwitnessed : {false, true}) {
        const Record record = explore(another_comes, {.unwitnessed = unwitnessed, .walks = 1}).record;
        const auto& lockings = record.mutexes[0];
        REQUIRE(lockings.count == 4);
        CHECK(lockings.entries[1].clock < 20);
        CHECK(lockings.entries[2].clock < 20);
        CHECK(lockings.entries[3].clock == 20);
        CHECK(lockings.entries[3].what == 1);
    }
}

Code any_piece(std::minstd_rand& random) {
    const auto mutex = static_cast<unsigned>(random() % 8 < 6 ? 0 : 1);
    const Count amount = 1 + random() % 12;
    switch (random() % 11) {
        case 0:
            return {{.what = try_lock, .object = mutex}, {.what = unlock, .object = mutex}};
        case 1:
            return {{.what = timed_lock, .object = mutex, .amount = amount},
                    {.what = unlock, .object = mutex}};
        case 2:
            return {{.what = lock}, {.what = timed_wait, .amount = amount}, {.what = unlock}};
        case 3:
            return {{.what = wake}};
        case 4:
            return {{.what = lock, .object = mutex}, ahead(amount), {.what = unlock, .object = mutex}};
        case 5:
            return {ahead(amount)};
        case 6:
            return {{.what = promise, .amount = amount}, ahead(amount)};
        case 7:
            return {{.what = turn}};
        default:
            return section(mutex);
    }
}

void hold_any(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t seed = first; seed < first + count; ++seed) {
        std::minstd_rand random(seed);
        (void)random();
        Program program;
        program.quantum = 4 + random() % 12;
        program.reserves_after = 1 + random() % 2;
        program.participants.resize(2 + random() % 2);
        for (Code& each : program.participants) {
            for (unsigned piece = 0; piece < 5; ++piece)
                each = each + any_piece(random);
        }
        const Settings settings{.awake = seed % 2 == 0, .store_buffers = seed % 4 < 2, .walks = 100};
        Settings unwitnessed = settings;
        unwitnessed.unwitnessed = true;
        const Exploration seen = explore(program, settings);
        const Exploration unseen = explore(program, unwitnessed);
        INFO("program " << seed << ": " << seen.defect << unseen.defect);
        REQUIRE(seen.defect.empty());
        REQUIRE(unseen.defect.empty());
        compare(seen.record, unseen.record);
    }
}

TEST_CASE("any programs have one order whatever is reserved") {
    hold_any(1, 600);
}

TEST_CASE("many more programs have one order whatever is reserved", "[.][soak]") {
    hold_any(10'000, 100'000);
}

TEST_CASE("every schedule of larger programs with reserved mutexes", "[.][soak]") {
    hold_witnessed_or_not({.awake = true}, "reserved, awake");
    hold_witnessed_or_not({.store_buffers = true}, "reserved, giving way, with store buffers");
}

}  // namespace
}  // namespace escapement::schedules
