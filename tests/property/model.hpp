#pragma once
// What the operations of a program mean, independently of the order: who holds which mutex, who waits for
// what, who could go on. It says nothing about who goes first.

#include "program.hpp"

#include <escapement/order.hpp>

#include <array>
#include <cstdint>

namespace escapement::simulation {

class Model {
  public:
    enum class Doing : std::uint8_t {
        unborn,
        able,
        locking,
        waiting,
        sleeping,
        polling,
        joining,
        outside,
        ended,
    };
    struct Thread {
        Doing doing = Doing::unborn;
        unsigned object = 0;  ///< mutex, condition, descriptor or thread
        unsigned mutex = 0;   ///< to lock again after a wait, if depth is not 0
        unsigned depth = 0;
        Nanoseconds deadline = no_deadline;
        Wakeup result = Wakeup::completed;
        std::uint64_t place = 0;  ///< in the sequence of waits
        unsigned passed_by = 0;   ///< how often others got the mutex that it waits for
        bool joined = false;
    };
    struct Mutex {
        unsigned owner = most_threads;  ///< nobody
        unsigned depth = 0;
    };

    void create(unsigned thread) { threads_.at(thread).doing = Doing::able; }
    void end(unsigned thread) { threads_.at(thread).doing = Doing::ended; }
    bool try_lock(unsigned thread, unsigned mutex);
    bool unlock(unsigned thread, unsigned mutex);
    void begin(unsigned thread, Doing doing, unsigned object, Nanoseconds deadline);
    void begin_wait(unsigned thread, unsigned condition, unsigned mutex, Nanoseconds deadline);
    unsigned requeue(unsigned from, unsigned wake_count, unsigned to, unsigned move_count);
    void write(unsigned descriptor) { ++bytes_.at(descriptor); }
    void read(unsigned descriptor);
    [[nodiscard]] bool readable(unsigned descriptor) const { return bytes_.at(descriptor) != 0; }
    /// `thread`, which polls or is outside, may go on.
    void arrive(unsigned thread) { finish(thread, Wakeup::completed); }
    /// A decision is made at `now`: deadlines that have come end their waits. False if one of those was a
    /// poll for something that is there.
    bool expire(Nanoseconds now);
    /// `thread` has the turn: takes what it waited for. False if it could not go on.
    bool resume(unsigned thread);

    [[nodiscard]] bool holds_any(unsigned thread) const;
    [[nodiscard]] bool able(unsigned thread) const;
    [[nodiscard]] bool anybody_able() const;
    [[nodiscard]] bool anybody_left() const;
    [[nodiscard]] bool anybody(Doing doing) const;
    [[nodiscard]] Nanoseconds earliest_deadline() const;
    /// Nothing but the threads themselves could ever let one of them go on, and none of them can.
    [[nodiscard]] bool deadlocked() const;
    [[nodiscard]] const Thread& thread(unsigned number) const { return threads_.at(number); }
    [[nodiscard]] const Mutex& mutex(unsigned number) const { return mutexes_.at(number); }
    void mark_joined(unsigned thread, bool joined) { threads_.at(thread).joined = joined; }

  private:
    void finish(unsigned thread, Wakeup result);
    void acquire(unsigned thread, unsigned mutex, unsigned depth);

    std::array<Thread, most_threads> threads_{};
    std::array<Mutex, mutex_count> mutexes_{};
    std::array<unsigned, descriptor_count> bytes_{};
    std::uint64_t places_ = 0;
};

}  // namespace escapement::simulation
