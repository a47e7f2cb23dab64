#include "simulation.hpp"

namespace escapement::simulation {

namespace {

OrderOptions order_options(const Program& program) {
    return {.policy = program.policy, .quantum = program.quantum, .operation_ns = program.operation_ns};
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
    return hash ^ (hash >> 29U);
}

}  // namespace

Simulation::Simulation(const Program& program, const Keys& keys, Chooser& chooser,
                       const SimulationOptions& options)
    : options_(options),
      chooser_(chooser),
      domain_(order_options(program), *this),
      machine_(program, domain_, keys) {
    threads_[0].place = Place::running;
}

Outcome Simulation::run() {
    Outcome outcome;
    try {
        for (;;) {
            std::array<unsigned, most_threads> able{};
            unsigned count = 0;
            for (unsigned thread = 0; thread < most_threads; ++thread) {
                if (can_step(threads_.at(thread))) able.at(count++) = thread;
            }
            if (count == 0) break;
            require(++steps_ < options_.most_steps, "no end");
            step(able.at(count == 1 ? 0 : chooser_.choose(count)));
        }
        require(!machine_.model().anybody_left(), "everybody sleeps, and nobody has the turn");
    } catch (const Stuck&) {
        outcome.deadlock = true;
    } catch (const Defect& defect) {
        outcome.defect = defect.what();
    }
    outcome.events = machine_.events();
    outcome.statistics = domain_.order().statistics();
    outcome.steps = steps_;
    return outcome;
}

bool Simulation::can_step(const Thread& thread) const {
    switch (thread.place) {
        case Place::nowhere:
            return false;
        case Place::asleep:
            return thread.has_turn || thread.wakeups_for_nothing < options_.wakeups_for_nothing;
        default:
            return true;
    }
}

void Simulation::step(unsigned number) {
    Thread& thread = threads_.at(number);
    switch (thread.place) {
        case Place::nowhere:
            break;
        case Place::starting:
            thread.place = Place::parking;
            break;
        case Place::parking:
            thread.place = thread.has_turn ? Place::running : Place::asleep;
            thread.has_turn = false;
            break;
        case Place::asleep:
            if (!thread.has_turn) ++thread.wakeups_for_nothing;
            thread.place = Place::parking;
            break;
        case Place::running:
            ++progress_;
            go_on(number);
            break;
    }
}

void Simulation::go_on(unsigned number) {
    Thread& thread = threads_.at(number);
    Order& order = domain_.order();
    switch (thread.phase) {
        case Phase::begin:
            // As Domain::operation() and Domain::boundary() do, but these return only when the turn is back.
            thread.phase = Phase::perform;
            if (machine_.ordered(number)) order.operation();
            if (machine_.may_stop(number) && order.due()) {
                order.yield();
                pass_turn(number);
            }
            break;
        case Phase::perform: {
            const bool goes_on = machine_.perform(number);
            if (const unsigned created = machine_.created(); created != 0) {
                threads_.at(created).place = Place::starting;
            }
            if (machine_.ended(number)) {
                settle_and_hand_over(number, true);
            } else if (goes_on) {
                thread.phase = Phase::begin;
            } else {
                thread.phase = Phase::complete;
                pass_turn(number);
            }
            break;
        }
        case Phase::complete:
            machine_.complete(number);
            thread.phase = Phase::begin;
            break;
    }
}

void Simulation::pass_turn(unsigned number) {
    settle_and_hand_over(number, false);
}

void Simulation::settle_and_hand_over(unsigned number, bool leaves) {
    if (leaves) threads_.at(number).place = Place::nowhere;
    machine_.decides();
    const unsigned next = machine_.decided(domain_.settle());
    if (next == number) return;
    if (!leaves) threads_.at(number).place = Place::parking;
    if (next < most_threads) threads_.at(next).has_turn = true;
}

std::uint64_t Simulation::fingerprint() const {
    std::uint64_t hash = mix(progress_, machine_.events().size());
    for (const Thread& each : threads_) {
        hash = mix(hash, static_cast<std::uint64_t>(each.place));
        hash = mix(hash, static_cast<std::uint64_t>(each.phase));
        hash = mix(hash, each.has_turn ? 1 : 0);
        hash = mix(hash, each.wakeups_for_nothing);
    }
    hash = mix(hash, idles_for_nothing_);
    hash = mix(hash, 2 * std::uint64_t{idles_} + (idles_now_ ? 1 : 0));
    for (const Event& each : machine_.events()) {
        hash = mix(hash, each.thread);
        hash = mix(hash, static_cast<std::uint64_t>(each.operation));
        hash = mix(hash, each.result);
        hash = mix(hash, each.clock);
        hash = mix(hash, static_cast<std::uint64_t>(each.now));
    }
    return hash;
}

Nanoseconds Simulation::time_passed(Nanoseconds) {
    return 0;
}

bool Simulation::poll_ready(ParticipantNumber participant) {
    return machine_.poll_ready(participant);
}

void Simulation::hand_over(ParticipantNumber, ParticipantNumber) {
    throw Defect("the simulation hands over by itself");
}

Host::IdleEnd Simulation::idle(Nanoseconds now, Nanoseconds deadline) {
    const bool may = idles_for_nothing_ < options_.idles_for_nothing;
    ++idles_;
    idles_now_ = true;
    const bool for_nothing = may && chooser_.choose(2) == 1;
    idles_now_ = false;
    if (for_nothing) ++idles_for_nothing_;
    return machine_.idle(now, deadline, for_nothing);
}

void Simulation::stuck(const Order&) {
    machine_.stuck();
}

}  // namespace escapement::simulation
