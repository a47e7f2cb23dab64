#pragma once
// A host without threads. Its "threads" are steps of the interpreter, and which of them makes the next step
// is the choice of whoever runs the simulation: at random, or each possible choice in turn.
//
// What a real host may do to threads that obey an order, and this one therefore does: a thread that was
// created begins late; a thread that handed the turn on is not parked yet when the turn comes back to it; one
// that got the turn notices late; one that is parked wakes for nothing and parks again; idle time ends for
// nothing; objects have other addresses in each run.

#include "machine.hpp"

#include <escapement/domain.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace escapement::simulation {

/// Decides what the host does next.
class Chooser {
  public:
    Chooser() = default;
    Chooser(const Chooser&) = delete;
    Chooser& operator=(const Chooser&) = delete;
    /// One of 0 … count - 1.
    virtual unsigned choose(unsigned count) = 0;

  protected:
    ~Chooser() = default;
};

/// How one run ended.
struct Outcome {
    std::vector<Event> events;
    OrderStatistics statistics;
    bool deadlock = false;
    std::string defect;  ///< empty: none
    std::size_t steps = 0;
};

struct SimulationOptions {
    unsigned wakeups_for_nothing = 1;  ///< of each thread
    unsigned idles_for_nothing = 1;
    std::size_t most_steps = 100000;
};

class Simulation final : public Host {
  public:
    Simulation(const Program& program, const Keys& keys, Chooser& chooser, const SimulationOptions& options);

    Outcome run();

    /// Differs between any two states from which the run may go on differently.
    [[nodiscard]] std::uint64_t fingerprint() const;

    Nanoseconds time_passed(Nanoseconds now) override;
    bool poll_ready(ParticipantNumber participant) override;
    void hand_over(ParticipantNumber from, ParticipantNumber to) override;
    IdleEnd idle(Nanoseconds now, Nanoseconds deadline) override;
    void stuck(const Order& order) override;

  private:
    enum class Place : std::uint8_t {
        nowhere,   ///< not created, or gone
        starting,  ///< created, has not run yet
        parking,   ///< about to look whether it has the turn
        asleep,
        running,  ///< with the turn
    };
    enum class Phase : std::uint8_t { begin, perform, complete };
    struct Thread {
        Place place = Place::nowhere;
        Phase phase = Phase::begin;
        bool has_turn = false;  ///< somebody handed it the turn
        unsigned wakeups_for_nothing = 0;
    };

    [[nodiscard]] bool can_step(const Thread& thread) const;
    void step(unsigned thread);
    void go_on(unsigned thread);
    void pass_turn(unsigned thread);
    void settle_and_hand_over(unsigned thread, bool leaves);

    SimulationOptions options_;
    Chooser& chooser_;
    Domain domain_;
    Machine machine_;
    std::array<Thread, most_threads> threads_{};
    unsigned idles_for_nothing_ = 0;
    unsigned idles_ = 0;
    bool idles_now_ = false;
    std::size_t steps_ = 0;
    std::uint64_t progress_ = 0;  ///< steps with the turn
};

}  // namespace escapement::simulation
