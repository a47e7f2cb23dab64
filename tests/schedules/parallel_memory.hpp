#pragma once
// What the participants of a parallel order share, each access of which is a place where others may go first.
// Takes the place of src/parallel/threads/parallel_memory.hpp.

#include "machine.hpp"

#include <atomic>
#include <set>
#include <utility>

namespace escapement::parallel {

using schedules::Access;
using schedules::Machine;

template <typename Type>
class Shared {
  public:
    explicit Shared(Type value) : value_(value) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    Type load(std::memory_order /*order*/) const {
        Machine& machine = Machine::current();
        machine.reach(Access::read, place_);
        const std::uint64_t* const own = machine.buffered(&value_);
        if (own == nullptr) return value_;
        Type value;
        // NOLINTNEXTLINE(bugprone-sizeof-expression): of a pointer, where Type is one
        std::memcpy(&value, own, sizeof(Type));
        return value;
    }
    void store(Type value, std::memory_order order) {
        std::uint64_t bits = 0;
        // NOLINTBEGIN(bugprone-sizeof-expression): of a pointer, where Type is one
        std::memcpy(&bits, &value, sizeof(Type));
        if (!Machine::current().buffer(place_, &value_, bits, sizeof(Type),
                                       order == std::memory_order_seq_cst))
            value_ = value;
        // NOLINTEND(bugprone-sizeof-expression)
    }
    bool compare_exchange_strong(Type& expected, Type desired, std::memory_order /*order*/) {
        update();
        if (value_ == expected) {
            value_ = desired;
            return true;
        }
        expected = value_;
        return false;
    }
    Type exchange(Type value, std::memory_order /*order*/) {
        update();
        return std::exchange(value_, value);
    }
    Type fetch_add(Type value, std::memory_order /*order*/) {
        update();
        if (Machine::current().fault() == schedules::Fault::lost_additions) return value_;
        return std::exchange(value_, value_ + value);
    }
    Type fetch_sub(Type value, std::memory_order /*order*/) {
        update();
        return std::exchange(value_, value_ - value);
    }

  private:
    void update() {
        Machine::current().reach(Access::update, place_);
        Machine::current().drain_all();
    }
    Type value_;
    const unsigned place_ = Machine::current().new_place();
};

class SharedLatch {
  public:
    void lock() { Machine::current().take_latch(held_); }
    void unlock() { Machine::current().put_back_latch(held_); }

  private:
    bool held_ = false;
};

class Place {
  public:
    void park() { Machine::current().wait_for_permit(permit_); }
    bool park_for(std::int64_t /*ns*/) {
        park();
        return true;
    }
    void unpark() { Machine::current().give_permit(permit_); }

  private:
    bool permit_ = false;
};

/// How many looks there are between two at the clock, when waiting awake.
inline constexpr unsigned spins_between_clocks = 1;
/// Some of the programs' steps are shorter, some are longer.
inline constexpr std::uint64_t kept_back = 20;

inline void pause_briefly() {}
inline void step_back() {}
/// A wait awake ends after a few looks.
inline std::int64_t spinning_clock() {
    return Machine::current().clock();
}
inline unsigned this_cpu() {
    return 0;
}
inline bool leave_cpus(const std::set<unsigned>& /*taken*/) {
    return true;
}

}  // namespace escapement::parallel
