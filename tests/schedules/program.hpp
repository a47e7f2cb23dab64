#pragma once
// What participants do in a program whose every schedule is explored, and what happens to them.

#include "parallel/order.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace escapement::schedules {

enum class Do : std::uint8_t {
    advance,  ///< by `amount`, then what a boundary asks for
    promise,  ///< no operation within `amount`
    lock,     ///< mutex `object`
    try_lock,
    timed_lock,  ///< until `amount` from now
    unlock,      ///< if it is held
    wait,        ///< condition `object` with mutex 0, which is held
    timed_wait,
    wake,     ///< up to `amount` waiters of condition `object`
    acquire,  ///< semaphore `object`
    release,
    set,  ///< event `object`
    wait_set,
    sleep,    ///< for `amount`
    turn,     ///< does something of its own in its turn
    outside,  ///< until the deadline, `amount` from now; nothing comes
    join,     ///< participant `object`
};

struct Instruction {
    Do what = Do::advance;
    unsigned object = 0;
    Count amount = 1;
};

using Code = std::vector<Instruction>;

inline Code operator+(Code one, const Code& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

inline Code section(unsigned mutex = 0) {
    return {{.what = Do::lock, .object = mutex}, {.what = Do::unlock, .object = mutex}};
}

struct Program {
    const char* name = "";
    bool deadlock = false;
    std::vector<Code> participants;
    Count quantum = 1000;
    std::uint64_t reserves_after = 16;
};

struct Entry {
    std::uint32_t clock = 0;
    std::uint16_t what = 0;
    std::uint16_t result = 0;
    bool operator==(const Entry&) const = default;
};

/// What happened, in an order of its own: of each participant, of each mutex, and of all that was in turn.
template <std::size_t most>
struct Log {
    std::array<Entry, most> entries{};
    std::uint64_t count = 0;
    void add(unsigned what, Count clock, std::uint64_t result) {
        entries.at(count) = {.clock = static_cast<std::uint32_t>(clock),
                             .what = static_cast<std::uint16_t>(what),
                             .result = static_cast<std::uint16_t>(result)};
        ++count;
    }
    bool operator==(const Log&) const = default;
};

struct Record {
    std::array<Log<16>, 4> participants;
    std::array<Log<32>, 2> mutexes;
    Log<48> in_turn;
    bool defect = false;  ///< two at once where only one may be
    bool operator==(const Record&) const = default;
};

struct Settings {
    bool awake = false;  ///< a CPU for each: waits are awake at first
    bool store_buffers = false;
    bool unwitnessed =
        false;  ///< nobody is told of what is carried out, so that some of it need not be in turn
    bool lost_unpark = false;
    bool lost_additions = false;
    std::uint64_t most_states = 40'000'000;
    std::uint64_t walks = 0;  ///< instead of all schedules, so many that are chosen at random
};

struct Exploration {
    std::string defect;  ///< empty: none, and this is what happened to the one who found it
    bool complete = false;
    bool deadlock = false;
    std::uint64_t states = 0;  ///< in which more than one could go on
    std::uint64_t steps = 0;
    Record record;
};

/// Goes through every schedule of `program`.
Exploration explore(const Program& program, const Settings& settings);

/// Checks that each program has one order, whatever the schedule, and ends as it says; their records.
std::vector<Record> hold(const std::vector<Program>& programs, const Settings& settings, const char* text);

}  // namespace escapement::schedules
