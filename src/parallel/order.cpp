// What the owner of a seat does.

#include "order.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace escapement::parallel {

Order::Order(const Options& options) : options_(options), seats_(most_seats) {
    options_.quantum = std::max<Count>(options_.quantum, 1);
    round_ = std::min(options_.quantum, longest_round);
}

Seat* Order::admit(const char* role, Seat* by) {
    Seat* seat = nullptr;
    Woken woken;
    const auto seat_them = [&] {
        const std::lock_guard guard(latch_);
        const ParticipantNumber count = count_.load(std::memory_order_relaxed);
        ParticipantNumber number = 0;
        while (number < count &&
               !(seats_[number].joined &&
                 seats_[number].state.load(std::memory_order_relaxed) == SeatState::absent)) {
            ++number;
        }
        if (number == most_seats) return;
        seat = &seats_[number];
        seat->joined = false;
        seat->number = number;
        seat->clock = seat->published = by != nullptr ? by->clock : 0;
        seat->boundary = (seat->clock / options_.quantum + 1) * options_.quantum;
        seat->horizon = 0;
        std::memset(seat->role, 0, sizeof seat->role);
        std::strncpy(seat->role, role, sizeof seat->role - 1);
        seat->bound.store(ticket_of(seat->clock + 1, number), std::memory_order_release);
        seat->state.store(SeatState::running, std::memory_order_release);
        count_.store(std::max(count, number + 1), std::memory_order_release);
        present_.fetch_add(1, std::memory_order_relaxed);
        wakeups_.fetch_add(1, std::memory_order_release);
        if (by != nullptr) by->horizon = std::min(by->horizon, ticket_of(seat->clock + 1, number));
        if (witness != nullptr) (void)witness->admitted(*seat, by);
        woken = take_woken();
    };
    if (by == nullptr || options_.free) {
        seat_them();
    } else if (in_turn(*by, seat_them) != Outcome::completed) {
        return nullptr;
    }
    wake(woken, by);
    return seat;
}

Outcome Order::withdraw(Seat& seat, Seat* by) {
    Woken woken;
    const auto free_it = [&] {
        const std::lock_guard guard(latch_);
        if (witness != nullptr) (void)witness->withdrawn(seat, by);
        seat.joined = true;
        seat.left_at = seat.clock;
        vacate(seat);
        settle();
        woken = take_woken();
    };
    Outcome outcome = Outcome::completed;
    if (by == nullptr || options_.free) {
        free_it();
    } else {
        outcome = in_turn(*by, free_it);
    }
    wake(woken, by);
    return outcome;
}

void Order::vacate(Seat& seat) {
    seat.bound.store(never, std::memory_order_release);
    seat.state.store(SeatState::absent, std::memory_order_release);
    seat.cpu.store(no_cpu, std::memory_order_relaxed);
    seat.woken_on.store(no_cpu, std::memory_order_relaxed);
    present_.fetch_sub(1, std::memory_order_relaxed);
}

void Order::abandon(Seat& me, const std::function<void(const std::string&)>& say) {
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        vacate(me);
        if (!stalled_) {
            stalled_ = true;
            say(report());
        }
        end_all();
        woken = take_woken();
    }
    wake(woken, &me);
}

void Order::pass_watch(Seat& me) {
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        me.watch.store(never, std::memory_order_relaxed);
        settle();
        woken = take_woken();
    }
    wake(woken, &me);
}

void Order::promise(Seat& me, Count counts) {
    me.promised = std::max(me.promised, me.clock + counts + 1);
    publish(me);
}

Order::View Order::look(const Seat& me, Ticket ticket) const {
    for (;;) {
        const std::uint64_t wakeups = wakeups_.load(std::memory_order_acquire);
        const ParticipantNumber count = count_.load(std::memory_order_acquire);
        View view;
        for (ParticipantNumber number = 0; number < count; ++number) {
            auto& other = const_cast<Seat&>(seats_[number]);
            if (&other == &me) continue;
            const Ticket bound = other.bound.load(std::memory_order_acquire);
            if (bound <= ticket) ++view.before;
            if (bound < view.least) {
                view.least = bound;
                view.behind = &other;
            }
        }
        if (wakeups_.load(std::memory_order_acquire) == wakeups) return view;
    }
}

bool Order::all_come_past(Seat& me, Ticket until, Ticket ticket) {
    if (until < me.horizon) return true;
    View view = look(me, until);
    me.horizon = view.least;
    if (until < me.horizon) return true;
    // Others may be waiting for what was kept back.
    if (me.published + 1 != me.clock) publish(me, ticket, true);
    ++me.waits;
    // With a CPU for each, somebody who is behind runs, and is soon past. Else whoever is behind may be
    // waiting for this very CPU: it gets it, and so do all who have something to do, without a sleep and a
    // wake-up. In a crowd that would only keep the CPUs from those who come first.
    const bool spins = may_spin();
    if (spins) me.cpu.store(this_cpu(), std::memory_order_relaxed);
    if (!spins && view.before > crowd * options_.cpus) return false;
    const std::int64_t begun = spins ? spinning_clock() : 0;
    for (unsigned tries = 1;; ++tries) {
        if (spins) {
            pause_briefly();
        } else {
            step_back();
        }
        if (view.behind->bound.load(std::memory_order_acquire) > until) {
            view = look(me, until);
            me.horizon = view.least;
            if (until < me.horizon) return true;
        }
        if (view.behind->asked.load(std::memory_order_relaxed) > until)
            view.behind->asked.store(until, std::memory_order_relaxed);
        if (!spins) {
            if (tries == options_.steps_back) return false;
            continue;
        }
        if (view.behind->state.load(std::memory_order_relaxed) != SeatState::running) return false;
        if (tries % spins_between_clocks == 0 && (spinning_clock() - begun > options_.spin_ns || !may_spin()))
            return false;
    }
}

bool Order::take(Mutex& mutex, Seat& seat) {
    std::uint32_t free = Mutex::free;
    if (!mutex.word.compare_exchange_strong(free, Mutex::held, std::memory_order_acquire)) return false;
    seat.clock = std::max(seat.clock, clock_of(mutex.released) + 1);
    mutex.holder.store(&seat, std::memory_order_relaxed);
    mutex.since.store(seat.clock, std::memory_order_relaxed);
    return true;
}

Outcome Order::lock(Seat& me, Mutex& mutex, Count deadline) {
    if (deadline == no_clock &&
        (lock_at_once(me, mutex) || (waits_for_round(me, mutex) && lock_at_once(me, mutex))))
        return Outcome::completed;
    begin(me);
    const Ticket ticket = ticket_of(me.clock, me.number);
    const bool may_take = deadline == no_clock && (options_.free || comes_to_turn(me, ticket));
    if (may_take && !reserved_to_other(me, mutex, me.clock) && take(mutex, me)) {
        if (!told(me, {.kind = Kind::lock, .mutex = &mutex}, clock_of(ticket), 0)) return stop(me);
        note_asked(me, mutex, clock_of(ticket));
        publish(me);
        return Outcome::completed;
    }
    --me.clock;
    --me.operations;
    return request(me, {.kind = Kind::lock, .mutex = &mutex, .deadline = deadline});
}

Outcome Order::try_lock(Seat& me, Mutex& mutex) {
    return request(me, {.kind = Kind::try_lock, .mutex = &mutex});
}

void Order::unlock_queued(Seat& me, Mutex& mutex) {
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        hand_on(mutex, mutex.released, me);
        woken = take_woken();
    }
    wake(woken, &me);
}

/// Ends all waiting: the witness will not have it go on.
Outcome Order::stop(Seat& me) {
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        end_all();
        woken = take_woken();
    }
    publish(me);
    wake(woken, &me);
    return Outcome::stalled;
}

Outcome Order::request(Seat& me, const Request& request) {
    begin(me);
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        if (stalled_) return Outcome::stalled;
        me.request = request;
        me.outcome = Outcome::completed;
        Ticket ticket = ticket_of(me.clock, me.number);
        if (request.kind == Kind::sleep) ticket = std::max(ticket, ticket_of(request.deadline, me.number));
        me.since = me.clock;
        me.bound.store(ticket, std::memory_order_seq_cst);
        me.state.store(SeatState::requesting, std::memory_order_relaxed);
        settle();
        woken = take_woken();
    }
    wake(woken, &me);
    wait(me, request.deadline);
    return me.outcome;
}

void Order::pass_boundary(Seat& me) {
    ++me.boundaries;
    publish(me);
    const Ticket until = me.clock > options_.quantum ? ticket_of(me.clock - options_.quantum, me.number) : 0;
    if (!options_.free && until >= me.horizon) {
        me.horizon = look(me, until).least;
        if (until >= me.horizon) {
            ++me.held_backs;
            Woken woken;
            {
                const std::lock_guard guard(latch_);
                me.held_until = until;
                if (!stalled_) {
                    me.state.store(SeatState::held_back, std::memory_order_relaxed);
                    settle();
                }
                woken = take_woken();
            }
            wake(woken, &me);
            wait(me, no_clock);
        }
    }
    me.boundary = (me.clock / options_.quantum + 1) * options_.quantum;
}

void Order::go_outside(Seat& me, Count limit) {
    Woken woken;
    {
        const std::lock_guard guard(latch_);
        me.bound.store(bound_of(me), std::memory_order_release);
        me.cpu.store(no_cpu, std::memory_order_relaxed);
        me.woken_on.store(no_cpu, std::memory_order_relaxed);
        me.limit = limit;
        me.raised = false;
        me.since = me.clock;
        me.state.store(SeatState::outside, std::memory_order_relaxed);
        settle();
        woken = take_woken();
    }
    wake(woken, &me);
}

bool Order::come_back(Seat& me, Count clock_at_least) {
    Woken woken;
    bool deadline = false;
    {
        const std::lock_guard guard(latch_);
        // Its bound has been raised before anybody came near: whatever was carried out is before it.
        const Count bound = clock_of(me.bound.load(std::memory_order_relaxed));
        me.clock = std::max({me.clock, bound - 1, clock_at_least});
        deadline = me.raised;
        me.raised = false;
        me.bound.store(ticket_of(me.clock + 1, me.number), std::memory_order_seq_cst);
        me.state.store(SeatState::running, std::memory_order_release);
        settle();
        woken = take_woken();
    }
    wake(woken, &me);
    take_own_cpu(me);
    return deadline;
}

bool Order::idle(const Seat& me) {
    const std::lock_guard guard(latch_);
    const ParticipantNumber count = count_.load(std::memory_order_relaxed);
    for (ParticipantNumber number = 0; number < count; ++number) {
        const Seat& each = seats_[number];
        if (&each != &me && each.state.load(std::memory_order_relaxed) == SeatState::running) return false;
    }
    return true;
}

void Order::wake(const Woken& woken, const Seat* but) {
    for (unsigned word = 0; word < woken.numbers.size(); ++word) {
        for (std::uint64_t left = woken.numbers.at(word); left != 0; left &= left - 1) {
            Seat& seat = seats_[64 * word + static_cast<unsigned>(std::countr_zero(left))];
            if (&seat == but) continue;
            seat.woken_on.store(this_cpu(), std::memory_order_relaxed);
            seat.place.unpark();
        }
    }
}

void Order::wait(Seat& me, Count deadline) {
    const auto goes_on = [&me] {
        const SeatState state = me.state.load(std::memory_order_acquire);
        return state == SeatState::running || state == SeatState::absent;
    };
    if (goes_on()) return;
    if (options_.free && deadline != no_clock) {
        wait_in_real_time(me, static_cast<std::int64_t>(deadline));
        return;
    }
    if (may_spin() && !options_.free) {
        const std::int64_t begun = spinning_clock();
        const auto patience = [&] {
            return me.state.load(std::memory_order_relaxed) == SeatState::blocked ? options_.blocked_spin_ns
                                                                                  : options_.spin_ns;
        };
        for (unsigned spins = 1; spins % spins_between_clocks != 0 || spinning_clock() - begun < patience();
             ++spins) {
            if (goes_on()) return;
            pause_briefly();
        }
    }
    ++me.sleeps;
    me.cpu.store(no_cpu, std::memory_order_relaxed);
    while (!goes_on())
        me.place.park();
    if (me.state.load(std::memory_order_relaxed) != SeatState::absent) take_own_cpu(me);
}

void Order::take_own_cpu(Seat& me) {
    const unsigned here = this_cpu();
    me.cpu.store(here, std::memory_order_relaxed);
    if (!may_spin() || options_.free) return;
    const unsigned woken_on = me.woken_on.load(std::memory_order_relaxed);
    const ParticipantNumber count = count_.load(std::memory_order_relaxed);
    std::set<unsigned> taken{woken_on};
    for (ParticipantNumber number = 0; number < count; ++number) {
        if (number != me.number) taken.insert(seats_[number].cpu.load(std::memory_order_relaxed));
    }
    if (!taken.contains(here)) return;
    // Where others have been may have changed since; whence it was woken has not.
    if (!leave_cpus(taken) && here == woken_on) leave_cpus({here});
    me.cpu.store(this_cpu(), std::memory_order_relaxed);
}

void Order::wait_in_real_time(Seat& me, std::int64_t deadline) {
    while (me.state.load(std::memory_order_acquire) != SeatState::running) {
        const std::int64_t left = deadline - spinning_clock();
        if (left > 0) {
            me.place.park_for(left);
            continue;
        }
        const std::lock_guard guard(latch_);
        if (me.state.load(std::memory_order_relaxed) != SeatState::blocked) continue;
        // It has been woken, and waits for the mutex, however long.
        if (me.request.deadline == no_clock) break;
        if (me.queue == &sleepers_) me.request.kind = Kind::point;
        const bool slept = me.queue == &sleepers_;
        expire(me);
        if (slept) me.outcome = Outcome::completed;
        (void)take_woken();
        me.request.deadline = no_clock;
        if (me.state.load(std::memory_order_relaxed) != SeatState::running) break;  // locks again
    }
    while (me.state.load(std::memory_order_acquire) != SeatState::running)
        me.place.park();
}

}  // namespace escapement::parallel
