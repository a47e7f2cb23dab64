// A mutex that one participant alone has locked for long is reserved to it: it locks it without waiting for
// its turn, and so does not wait for anybody as long as nobody else comes for that mutex.
//
// Contract. Time is cut into rounds, of a quantum of counts. Who comes for a mutex that is reserved to
// another is put off to the beginning of the next round; there all reservations of that participant end which
// were made before. It has not come to that round yet then, or it could not have been reached in turn; and it
// uses a reservation in a round only when all others have come there, so it finds what they did about it.
// Hence who locks a mutex at which clock does not depend on who was faster, as without reservations.
//
// A reservation is made by who is in turn, for the rounds after. It costs whoever comes a round at most; that
// mutex needs four times as many lockings in a row then to be reserved again, and whose it was twice as many
// for any other: so what is handed from one to another, or made anew all the time, costs little in the long
// run.
//
// Sources: Kawachiya, Koseki, Onodera, "Lock Reservation: Java Locks Can Mostly Do Without Atomic
// Operations", OOPSLA 2002; Devietti, Lucia, Ceze, Oskin, "DMP: Deterministic Shared Memory Multiprocessing",
// ASPLOS 2009, section 3.2, where memory has an owner until a serial phase.

#include "order.hpp"

#include <algorithm>

namespace escapement::parallel {

bool Order::holds(const Seat& seat, Ticket of, Count clock) const {
    return clock_of(of) <= clock / round_ && clock_of(of) >= seat.reservations_from;
}

bool Order::waits_for_round(Seat& me, Mutex& mutex) {
    const Ticket of = mutex.reservation.of.load(std::memory_order_relaxed);
    if (number_of(of) != me.number || (witness != nullptr && me.kept == options_.most_kept)) return false;
    begin(me);
    const bool come = all_come_past(me, round_begins(me.clock), ticket_of(me.clock, me.number));
    --me.clock;
    --me.operations;
    return come;
}

void Order::count_streak(Seat& seat, Mutex& mutex, Count clock) {
    if (options_.free) return;
    Reservation& reservation = mutex.reservation;
    if (reservation.last != seat.number) {
        reservation.last = seat.number;
        reservation.streak = 0;
        reservation.of.store(never, std::memory_order_relaxed);
    }
    if (++reservation.streak < std::max({options_.reserves_after, seat.needs, reservation.needs})) return;
    reservation.of.store(ticket_of(clock / round_ + 1, seat.number), std::memory_order_relaxed);
}

bool Order::passes_reservation(Seat& seat) {
    Mutex& mutex = *seat.request.mutex;
    if (!reserved_to_other(seat, mutex, seat.clock)) return true;
    const Count round = seat.clock / round_;
    if (seat.clock > round * round_) {
        seat.clock = (round + 1) * round_;
        seat.bound.store(ticket_of(seat.clock, seat.number), std::memory_order_seq_cst);
        return false;
    }
    Reservation& reservation = mutex.reservation;
    Seat& other = seats_[number_of(reservation.of.load(std::memory_order_relaxed))];
    other.reservations_from = round;
    const auto more = [this](std::uint64_t needs, unsigned times) {
        return std::min(times * std::max(needs, options_.reserves_after), longest_streak);
    };
    other.needs = more(other.needs, 2);
    reservation.needs = more(reservation.needs, 4);
    return true;
}

}  // namespace escapement::parallel
