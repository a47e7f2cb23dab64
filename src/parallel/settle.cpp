// What has come to its turn is carried out, by whoever sees it first. Everything here is done with the latch.

#include "order.hpp"

#include <algorithm>
#include <utility>

namespace escapement::parallel {

void Queue::push(Seat& seat) {
    seat.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &seat;
    last_ = &seat;
}

void Queue::remove(Seat& seat) {
    Seat* before = nullptr;
    for (Seat* each = first_; each != &seat; each = each->next)
        before = each;
    (before == nullptr ? first_ : before->next) = seat.next;
    if (last_ == &seat) last_ = before;
    seat.next = nullptr;
}

void Order::settle() {
    if (options_.free) {
        settle_free();
        return;
    }
    for (;;) {
        Seat* first = nullptr;
        Ticket least = never;
        Ticket pending = never;  // somebody may go on once all bounds are past this
        bool anybody = false;
        const ParticipantNumber count = count_.load(std::memory_order_relaxed);
        for (ParticipantNumber number = 0; number < count; ++number) {
            Seat& each = seats_[number];
            const SeatState state = each.state.load(std::memory_order_relaxed);
            if (state == SeatState::absent) continue;
            anybody = true;
            const Ticket bound = each.bound.load(std::memory_order_seq_cst);
            if (bound < least) {
                least = bound;
                first = &each;
            }
            if (state == SeatState::requesting || (state == SeatState::blocked && each.timed))
                pending = std::min(pending, bound);
            if (state == SeatState::outside && !each.raised && each.limit != no_clock)
                pending = std::min(pending, ticket_of(each.limit, number));
            if (state == SeatState::held_back) pending = std::min(pending, each.held_until);
        }
        if (!anybody) return;
        if (first == nullptr) {
            note_stall();
            return;
        }
        if (pending == never) return;
        if (let_go_held_back(least)) continue;
        switch (first->state.load(std::memory_order_relaxed)) {
            case SeatState::requesting:
                perform(*first);
                continue;
            case SeatState::blocked:
                ++jumps;
                expire(*first);
                continue;
            case SeatState::outside: {
                if (first->raised) break;
                // Whoever is outside would come back a quantum after everybody else, or at its deadline.
                const Count clock = clock_of(least);
                if (clock >= first->limit) {
                    first->raised = true;
                    ring(*first);
                    return;
                }
                const Count next =
                    std::min(std::max(clock_of(pending), clock) + options_.quantum, first->limit);
                first->bound.store(ticket_of(next, first->number), std::memory_order_seq_cst);
                continue;
            }
            default:
                break;
        }
        first->watch.store(pending, std::memory_order_seq_cst);
        if (first->bound.load(std::memory_order_seq_cst) <= pending) return;
    }
}

void Order::settle_free() {
    const ParticipantNumber count = count_.load(std::memory_order_relaxed);
    for (ParticipantNumber number = 0; number < count; ++number) {
        Seat& each = seats_[number];
        if (each.state.load(std::memory_order_relaxed) == SeatState::requesting) perform(each);
    }
    bool anybody = false;
    for (ParticipantNumber number = 0; number < count; ++number) {
        const Seat& each = seats_[number];
        const SeatState state = each.state.load(std::memory_order_relaxed);
        if (state == SeatState::absent) continue;
        if (state != SeatState::blocked || each.request.deadline != no_clock) return;
        anybody = true;
    }
    if (anybody) note_stall();
}

/// Everybody waits for somebody.
void Order::note_stall() {
    if (stalled_) return;
    stalled_ = true;
    if (stuck) stuck(report());
    end_all();
}

bool Order::let_go_held_back(Ticket least) {
    bool anybody = false;
    const ParticipantNumber count = count_.load(std::memory_order_relaxed);
    for (ParticipantNumber number = 0; number < count; ++number) {
        Seat& each = seats_[number];
        if (each.state.load(std::memory_order_relaxed) != SeatState::held_back || each.held_until >= least)
            continue;
        woken_.add(number);
        each.state.store(SeatState::running, std::memory_order_release);
        anybody = true;
    }
    return anybody;
}

bool Order::told(Seat& seat, const Request& request, Count clock, std::int64_t result) {
    if (witness == nullptr) return true;
    if (request.kind == Kind::lock && request.deadline == no_clock && may_keep(seat, *request.mutex, clock)) {
        keep(seat, *request.mutex, clock);
        return !witness->over();
    }
    // A place in the order is asked for only where it has not come yet: that it was says nothing.
    if (request.kind != Kind::point) seat.kept = 0;
    return witness->carried_out(seat, request, clock, result);
}

/// Of the request that is being carried out.
bool Order::told(Seat& seat, std::int64_t result) {
    const Count clock = clock_of(seat.bound.load(std::memory_order_relaxed));
    if (told(seat, seat.request, clock, result)) return true;
    end_all();
    return false;
}

void Order::perform(Seat& seat) {
    const Request& request = seat.request;
    if ((request.kind == Kind::lock || request.kind == Kind::try_lock) && !passes_reservation(seat)) return;
    const Ticket ticket = ticket_of(seat.clock, seat.number);
    const bool result_is_to_come =
        request.kind == Kind::try_lock || request.kind == Kind::try_acquire || request.kind == Kind::wake;
    if (!result_is_to_come && !told(seat)) return;
    switch (request.kind) {
        case Kind::lock:
            perform_lock(seat);
            return;
        case Kind::try_lock:
            // Unlocked later than now means held now, whether or not that has happened already.
            if (request.mutex->word.load(std::memory_order_acquire) != Mutex::free ||
                (!options_.free && request.mutex->released > ticket) || !take(*request.mutex, seat)) {
                if (told(seat, 1)) complete(seat, Outcome::busy);
                return;
            }
            note_asked(seat, *request.mutex, clock_of(ticket));
            if (!told(seat)) return;
            break;
        case Kind::wait: {
            Mutex& mutex = *request.mutex;
            mutex.released = ticket;
            mutex.holder.store(nullptr, std::memory_order_relaxed);
            hand_on(mutex, ticket, seat);
            enter_queue(seat, request.meeting->queue);
            return;
        }
        case Kind::wake: {
            std::int64_t count = 0;
            for (std::uint64_t left = request.amount; left > 0 && !request.meeting->queue.empty(); --left) {
                resume(*request.meeting->queue.first(), seat.clock + 1, seat);
                ++count;
            }
            if (!told(seat, count)) return;
            break;
        }
        case Kind::acquire:
        case Kind::try_acquire:
            if (request.kind == Kind::try_acquire && !told(seat, request.meeting->value > 0 ? 0 : 1)) return;
            if (request.meeting->value > 0) {
                --request.meeting->value;
            } else if (request.kind == Kind::acquire) {
                enter_queue(seat, request.meeting->queue);
                return;
            } else {
                complete(seat, Outcome::busy);
                return;
            }
            break;
        case Kind::release:
            perform_release(*request.meeting, request.amount, seat);
            break;
        case Kind::set:
            request.meeting->value = 1;
            while (!request.meeting->queue.empty())
                resume(*request.meeting->queue.first(), seat.clock + 1, seat);
            break;
        case Kind::reset:
            request.meeting->value = 0;
            break;
        case Kind::wait_set:
            if (request.meeting->value == 0) {
                enter_queue(seat, request.meeting->queue);
                return;
            }
            break;
        case Kind::sleep:
            if (options_.free) {
                enter_queue(seat, sleepers_);
                return;
            }
            seat.clock = std::max(seat.clock, request.deadline);
            break;
        case Kind::join:
            if (request.other->state.load(std::memory_order_relaxed) != SeatState::absent) {
                enter_queue(seat, request.other->joiners);
                return;
            }
            seat.clock = std::max(seat.clock, request.other->left_at + 1);
            request.other->joined = true;
            break;
        case Kind::leave:
            seat.left_at = seat.clock;
            seat.joined = !seat.joiners.empty();
            while (!seat.joiners.empty())
                resume(*seat.joiners.first(), seat.clock + 1, seat);
            vacate(seat);
            woken_.add(seat.number);
            return;
        case Kind::point:
            break;
    }
    complete(seat, Outcome::completed);
}

void Order::perform_lock(Seat& seat) {
    Mutex& mutex = *seat.request.mutex;
    const Count deadline = seat.request.deadline;
    note_asked(seat, mutex, seat.clock);
    for (;;) {
        std::uint32_t word = mutex.word.load(std::memory_order_acquire);
        if (word == Mutex::free) {
            // Unlocked later than the deadline means held until then, whether or not that has happened
            // already.
            if (deadline != no_clock && !options_.free &&
                mutex.released > ticket_of(std::max(deadline, seat.clock), seat.number)) {
                seat.clock = std::max(deadline, seat.clock);
                complete(seat, Outcome::timed_out);
                return;
            }
            if (take(mutex, seat)) {
                complete(seat, seat.outcome);
                return;
            }
        } else if (word == Mutex::queued ||
                   mutex.word.compare_exchange_strong(word, Mutex::queued, std::memory_order_acquire)) {
            enter_queue(seat, mutex.queue);
            return;
        }
    }
}

void Order::perform_release(Meeting& meeting, std::uint64_t amount, Seat& by) {
    meeting.value += amount;
    while (meeting.value > 0 && !meeting.queue.empty()) {
        --meeting.value;
        resume(*meeting.queue.first(), by.clock + 1, by);
    }
}

void Order::enter_queue(Seat& seat, Queue& queue) {
    const Count deadline = seat.request.deadline;
    seat.queue = &queue;
    queue.push(seat);
    seat.timed = deadline != no_clock && !options_.free;
    seat.bound.store(seat.timed ? ticket_of(std::max(deadline, seat.clock), seat.number) : never,
                     std::memory_order_release);
    seat.state.store(SeatState::blocked, std::memory_order_release);
}

void Order::expire(Seat& seat) {
    seat.queue->remove(seat);
    seat.queue = nullptr;
    if (!options_.free) seat.clock = std::max(seat.clock, seat.request.deadline);
    seat.timed = false;
    seat.outcome = Outcome::timed_out;
    resume(seat, seat.clock, seat);
}

/// The lock goes to the first in its queue who still waited for it at `ticket`.
void Order::hand_on(Mutex& mutex, Ticket ticket, Seat& by) {
    for (Seat* each = mutex.queue.first(); each != nullptr; each = each->next) {
        if (each->timed && each->bound.load(std::memory_order_relaxed) < ticket) continue;
        mutex.holder.store(each, std::memory_order_relaxed);
        mutex.since.store(std::max(each->clock, clock_of(ticket) + 1), std::memory_order_relaxed);
        resume(*each, clock_of(ticket) + 1, by);
        if (mutex.queue.empty()) mutex.word.store(Mutex::held, std::memory_order_release);
        return;
    }
    // Those who are left have timed out, and stay until that is their turn; nobody hands the lock to them.
    mutex.word.store(Mutex::free, std::memory_order_release);
}

void Order::resume(Seat& seat, Count clock_at_least, Seat& by) {
    if (seat.queue != nullptr) seat.queue->remove(seat);
    seat.queue = nullptr;
    seat.timed = false;
    seat.clock = std::max(seat.clock, clock_at_least);
    if (seat.request.kind == Kind::wait) {
        seat.request = {.kind = Kind::lock, .mutex = seat.request.mutex};
        const Ticket ticket = ticket_of(seat.clock, seat.number);
        seat.bound.store(ticket, std::memory_order_release);
        seat.state.store(SeatState::requesting, std::memory_order_release);
        wakeups_.fetch_add(1, std::memory_order_release);
        if (options_.free) perform_lock(seat);
    } else {
        complete(seat, seat.outcome);
    }
    if (&seat != &by) by.horizon = std::min(by.horizon, seat.bound.load(std::memory_order_relaxed));
}

void Order::complete(Seat& seat, Outcome outcome) {
    seat.outcome = outcome;
    const bool still_to_come = seat.request.kind == Kind::point && outcome == Outcome::completed;
    seat.bound.store(ticket_of(seat.clock + (still_to_come ? 0 : 1), seat.number), std::memory_order_release);
    seat.published = seat.clock;
    wakeups_.fetch_add(1, std::memory_order_release);
    woken_.add(seat.number);
    seat.state.store(SeatState::running, std::memory_order_release);
}

Order::Woken Order::take_woken() {
    return std::exchange(woken_, {});
}

void Order::end_all() {
    stalled_ = true;
    const ParticipantNumber count = count_.load(std::memory_order_relaxed);
    for (ParticipantNumber number = 0; number < count; ++number) {
        Seat& each = seats_[number];
        const SeatState state = each.state.load(std::memory_order_relaxed);
        if (state == SeatState::absent || state == SeatState::running) continue;
        if (state == SeatState::outside) {
            each.raised = true;
            ring(each);
            continue;
        }
        if (each.queue != nullptr) each.queue->remove(each);
        each.queue = nullptr;
        each.timed = false;
        complete(each, Outcome::stalled);
    }
}

}  // namespace escapement::parallel
