// Decisions: who may go on, and which of them does.

#include <escapement/order.hpp>

#include <algorithm>
#include <cassert>

namespace escapement {

void Order::suspend(ParticipantNumber participant) {
    Participant& its = participants_[participant];
    if (its.suspended) return;
    its.suspended = true;
    ++suspended_;
    if (participant != current_) return;
    its.state = State::ready;  // how its wait ended stays as it was
    last_ = current_;
    current_ = nobody;
}

void Order::resume(ParticipantNumber participant) {
    Participant& its = participants_[participant];
    if (!its.suspended) return;
    its.suspended = false;
    --suspended_;
}

bool Order::runnable(const Participant& participant) const {
    return !participant.suspended && wait_is_over(participant);
}

bool Order::wait_is_over(const Participant& participant) const {
    switch (participant.state) {
        case State::ready:
            return true;
        case State::locking:
            return held_.find(participant.object) == nullptr;
        case State::joining:
            return participants_[participant.object].state == State::exited;
        default:
            return false;
    }
}

bool Order::anybody_else_runnable() const {
    return std::any_of(participants_.begin(), participants_.end(),
                       [this](const Participant& each) { return runnable(each); });
}

bool Order::others_want_the_turn() const {
    return std::any_of(participants_.begin(), participants_.end(), [this](const Participant& each) {
        return each.state != State::running && !each.suspended &&
               (runnable(each) || each.deadline != no_deadline);
    });
}

bool Order::anybody_polls() const {
    return std::any_of(participants_.begin(), participants_.end(),
                       [](const Participant& each) { return each.state == State::polling; });
}

bool Order::alone() const {
    return std::all_of(participants_.begin(), participants_.end(), [](const Participant& each) {
        return each.state == State::running || each.state == State::exited || each.state == State::released;
    });
}

bool Order::polls_due() const {
    const Count quantum = polls_expected_ ? options_.quantum : options_.outside_quantum;
    if (options_.policy == Policy::ticktock || since_polls_ >= quantum) return true;
    // A poll does not time out while what it polls for is there.
    const auto expires = [this](const Participant& each) {
        return each.state == State::polling && each.deadline <= now_;
    };
    return std::any_of(participants_.begin(), participants_.end(), expires) ||
           std::none_of(participants_.begin(), participants_.end(),
                        [this](const Participant& each) { return !each.resting && runnable(each); });
}

void Order::polls_seen() {
    since_polls_ = 0;
    polls_expected_ = false;
}

void Order::expect_polls() {
    polls_expected_ = true;
}

void Order::make_ready(Participant& participant, Wakeup wakeup, Count clock_at_least) {
    participant.wakeup = wakeup;
    participant.clock = std::max(participant.clock, clock_at_least);
    participant.deadline = no_deadline;
    if (participant.state == State::waiting && participant.depth != 0) {
        participant.state = State::locking;
        participant.object = participant.mutex;
        participant.resume_at = 0;
        participant.what = participant.mutex_what;
    } else {
        participant.state = State::ready;
    }
}

void Order::poll_ready(ParticipantNumber participant) {
    // No plus one: nobody's operation woke it. On equal clocks the lower number, usually the main loop, goes
    // first.
    make_ready(participants_[participant], Wakeup::completed, participants_[last_].clock);
}

void Order::expire_deadlines() {
    for (Participant& each : participants_) {
        if (each.deadline > now_ || each.suspended) continue;
        switch (each.state) {
            case State::waiting:
            case State::polling:
                make_ready(each, Wakeup::timed_out, participants_[last_].clock);
                break;
            case State::locking:
                if (held_.find(each.object) != nullptr)
                    make_ready(each, Wakeup::timed_out, participants_[last_].clock);
                break;
            case State::joining:
                if (!wait_is_over(each)) make_ready(each, Wakeup::timed_out, participants_[last_].clock);
                break;
            default:
                break;
        }
    }
}

namespace {
bool polls_early(const Participant& participant) {
    return participant.state == State::polling && participant.returns_early && !participant.suspended;
}
}  // namespace

ParticipantNumber Order::pick_counted() const {
    ParticipantNumber best = nobody;
    for (ParticipantNumber number = 0; number < participants_.size(); ++number) {
        const Participant& each = participants_[number];
        if (!runnable(each)) continue;
        if (best == nobody) {
            best = number;
            continue;
        }
        const Participant& champion = participants_[best];
        if (each.resting != champion.resting ? champion.resting : each.clock < champion.clock) best = number;
    }
    return best;
}

ParticipantNumber Order::pick_ticktock() {
    const auto size = static_cast<ParticipantNumber>(participants_.size());
    // A poll is sent back early only to alternate with somebody who could have gone on himself; else nobody
    // would ever be idle.
    const bool alternates = runnable(participants_[last_]);
    for (ParticipantNumber step = 1; step <= size; ++step) {
        const ParticipantNumber number = (last_ + step) % size;
        const Participant& each = participants_[number];
        if (runnable(each) || (alternates && polls_early(each))) return number;
    }
    return nobody;
}

ParticipantNumber Order::pick_early_return() const {
    for (ParticipantNumber number = 0; number < participants_.size(); ++number) {
        if (polls_early(participants_[number])) return number;
    }
    return nobody;
}

Decision Order::decide() {
    expire_deadlines();
    ParticipantNumber next = options_.policy == Policy::ticktock ? pick_ticktock() : pick_counted();
    if (next != nobody && participants_[next].resting) {
        // Only those who wait for others to do something are left: a poll that may return early is such an
        // other.
        if (const ParticipantNumber early = pick_early_return(); early != nobody) next = early;
    }
    if (next != nobody) {
        take_turn(next);
        return {.kind = Decision::Kind::turn, .participant = next};
    }
    Decision decision{.kind = Decision::Kind::over};
    for (const Participant& each : participants_) {
        if (each.state == State::exited || each.state == State::released) continue;
        if (decision.kind == Decision::Kind::over) decision.kind = Decision::Kind::stuck;
        // It could not go on then either, and sees when it can whether it was too late.
        if (!each.suspended) decision.deadline = std::min(decision.deadline, each.deadline);
        if (each.state == State::polling || each.state == State::outside || each.suspended)
            decision.kind = Decision::Kind::idle;
    }
    if (decision.deadline != no_deadline) decision.kind = Decision::Kind::idle;
    if (decision.kind == Decision::Kind::stuck && alarm_helps_anybody_ && alarm_ != no_deadline)
        decision.kind = Decision::Kind::idle;
    if (decision.kind == Decision::Kind::idle) decision.deadline = std::min(decision.deadline, alarm_);
    return decision;
}

void Order::take_turn(ParticipantNumber number) {
    Participant& next = participants_[number];
    switch (next.state) {
        case State::locking:
            next.clock = std::max(next.clock, next.resume_at);
            held_.insert({.key = next.object, .owner = number, .depth = next.depth, .since = next.clock});
            break;
        case State::joining:
            next.clock = std::max(next.clock, participants_[next.object].clock + 1);
            break;
        case State::polling:
            make_ready(next, Wakeup::early, participants_[last_].clock);
            break;
        default:
            break;
    }
    next.deadline = no_deadline;
    next.state = State::running;
    if (number != last_) {
        ++statistics_.switches;
        for (Participant& each : participants_)
            each.resting = false;
    }
    // A boundary passed while nobody else could go is remembered: the first chance to hand the turn on is
    // taken, or a participant that is at a boundary only ever while it holds a lock would keep those who wait
    // for that lock out for ever.
    next.overdue = number == last_ && next.clock >= next.boundary && !anybody_else_runnable();
    if (number != last_ || next.clock >= next.boundary) next.boundary = next.clock + options_.quantum;
    next.resting = false;
    current_ = number;
    last_ = number;
}

void Order::jump_to(Nanoseconds deadline) {
    if (deadline <= now_) return;
    ++statistics_.jumps;
    statistics_.jumped_ns += deadline - now_;
    now_ = deadline;
}

void Order::idle_time(Nanoseconds time) {
    if (time > 0) now_ += time;
}

}  // namespace escapement
