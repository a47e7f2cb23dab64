#pragma once
// Interprets a program against an order and, beside it, against the model, and compares the two at every
// step. It knows what threads do, but not how they take turns: see simulation.hpp and real_threads.cpp for
// that.

#include "model.hpp"
#include "program.hpp"

#include <escapement/domain.hpp>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace escapement::simulation {

/// The order, or its host, did what it must not.
class Defect : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Thrown where a host must not return: the program is in a deadlock.
struct Stuck {};

struct Event {
    std::uint8_t thread = 0;
    Operation operation = Operation::compute;
    std::uint8_t object = 0;
    std::uint8_t result = 0;
    Count clock = 0;
    Nanoseconds now = 0;
    friend bool operator==(const Event&, const Event&) = default;
};

/// What the objects are called in one run: they differ between runs, as addresses do.
struct Keys {
    std::array<ObjectKey, mutex_count> mutexes{};
    std::array<ObjectKey, condition_count> conditions{};
};

class Machine {
  public:
    Machine(const Program& program, Domain& domain, const Keys& keys);

    /// True if `thread`'s next instruction is an ordered operation.
    [[nodiscard]] bool ordered(unsigned thread) const;
    /// True if `thread` may hand the turn on before its next instruction.
    [[nodiscard]] bool may_stop(unsigned thread) const;
    /// Does `thread`'s next instruction. False if the turn is free now: after it comes back, complete() is
    /// called.
    bool perform(unsigned thread);
    void complete(unsigned thread);
    [[nodiscard]] bool ended(unsigned thread) const { return at_.at(thread) > code(thread).size(); }
    /// The thread that the last perform() created, or 0.
    [[nodiscard]] unsigned created() const { return created_; }
    /// Before and after Domain::settle(): the turn is free, the turn is `to`'s. Returns the thread.
    void decides();
    unsigned decided(ParticipantNumber to);

    // What a host is asked:
    bool poll_ready(ParticipantNumber participant);
    Host::IdleEnd idle(Nanoseconds now, Nanoseconds deadline, bool for_nothing);
    [[noreturn]] void stuck();

    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    [[nodiscard]] Order& order() { return domain_.order(); }
    [[nodiscard]] const Model& model() const { return model_; }
    [[nodiscard]] ParticipantNumber number(unsigned thread) const { return numbers_.at(thread); }

  private:
    [[nodiscard]] const std::vector<Instruction>& code(unsigned thread) const {
        return program_.threads[thread];
    }
    [[nodiscard]] Instruction instruction(unsigned thread) const;
    [[nodiscard]] bool do_lock(unsigned thread, const Instruction& each, Nanoseconds deadline);
    bool do_wait(unsigned thread, const Instruction& each, Nanoseconds deadline);
    void do_wake(const Instruction& each);
    bool do_poll(unsigned thread, const Instruction& each, Nanoseconds deadline);
    void do_create(unsigned thread);
    bool do_join(unsigned thread, unsigned other, Nanoseconds deadline);
    void reap(unsigned thread);
    void record(unsigned thread, unsigned result);
    void check_holders(unsigned thread);
    void check_fairness(unsigned thread, unsigned mutex);
    [[nodiscard]] std::string expected_line(unsigned thread) const;
    [[nodiscard]] std::string name(unsigned thread) const;
    [[nodiscard]] const Participant& participant(unsigned thread) const;

    const Program& program_;
    Domain& domain_;
    Keys keys_;
    Model model_;
    std::array<std::size_t, most_threads> at_{};
    std::array<ParticipantNumber, most_threads> numbers_{};
    std::array<unsigned, most_threads> looks_{};
    std::array<Count, most_threads> clocks_{};    ///< at each thread's last event
    std::array<Count, most_threads> freed_at_{};  ///< clocks when the turn was freed
    Nanoseconds now_ = 0;
    unsigned created_ = 0;
    unsigned idles_ = 0;
    std::vector<Event> events_;
};

inline void require(bool holds, const char* what) {
    if (!holds) throw Defect(what);
}

}  // namespace escapement::simulation
