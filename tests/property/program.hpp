#pragma once
// Programs for simulated threads: what the threads of a test do, as data.

#include <escapement/order.hpp>

#include <cstdint>
#include <iosfwd>
#include <vector>

namespace escapement::simulation {

inline constexpr unsigned most_threads = 8;
inline constexpr unsigned mutex_count = 4;
inline constexpr unsigned recursive_mutex = 3;  ///< the one mutex that may be locked again by its owner
inline constexpr unsigned condition_count = 3;
inline constexpr unsigned descriptor_count = 2;

enum class Operation : std::uint8_t {
    compute,     ///< `amount` counts; may be stopped before it if the amount is odd
    lock,        ///< mutex `object`
    timed_lock,  ///< the same for at most `amount`
    try_lock,
    unlock,
    wait,        ///< condition `object` with mutex `second`
    timed_wait,  ///< the same for at most `amount`
    wake,        ///< up to `amount` waiters of condition `object`
    requeue,     ///< one waiter of condition `object` wakes, up to `amount` go to condition `second`
    sleep,       ///< for `amount`
    poll,        ///< until descriptor `object` has a byte, which it reads
    timed_poll,  ///< the same for at most `amount`
    write,       ///< a byte to descriptor `object`
    read_time,
    create,      ///< thread `object`, once
    join,        ///< thread `object`, if it was created and nobody joined it
    timed_join,  ///< the same for at most `amount`
    give_way,
    leave,  ///< is outside until the host has been asked `amount` times
    exit,   ///< added by the interpreter at each thread's end
};

struct Instruction {
    Operation operation = Operation::compute;
    std::uint8_t object = 0;
    std::uint8_t second = 0;
    std::uint16_t amount = 0;
};

struct Program {
    Policy policy = Policy::counted;
    Count quantum = 10;
    Nanoseconds operation_ns = 100;
    bool stops_only_unlocked =
        false;  ///< as QEMU's threads: the turn is handed on only by who holds no mutex
    std::vector<std::vector<Instruction>> threads;  ///< the first is the one that exists from the beginning
};

std::ostream& operator<<(std::ostream& out, const Instruction& instruction);
std::ostream& operator<<(std::ostream& out, const Program& program);

}  // namespace escapement::simulation
