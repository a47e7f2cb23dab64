#include "parallel_witness.hpp"

namespace escapement::link {

using parallel::Kind;
using parallel::Outcome;
using parallel::Seat;

namespace {

OperationKind operation_of(Kind kind) {
    switch (kind) {
        case Kind::lock:
            return OperationKind::lock;
        case Kind::try_lock:
        case Kind::try_acquire:
            return OperationKind::try_lock;
        case Kind::wait:
        case Kind::acquire:
        case Kind::wait_set:
            return OperationKind::wait;
        case Kind::wake:
            return OperationKind::wake;
        case Kind::release:
        case Kind::set:
            return OperationKind::post;
        case Kind::reset:
            return OperationKind::reset;
        case Kind::sleep:
            return OperationKind::sleep;
        case Kind::join:
            return OperationKind::join;
        default:
            return OperationKind::other;
    }
}

}  // namespace

ObjectNumber ParallelWitness::number_of(const Seat& seat, const parallel::Request& request, Count clock) {
    if (request.meeting != nullptr)
        return journal_.number_of(request.meeting->journal_number, request.meeting->name, seat.number, clock);
    if (request.mutex != nullptr)
        return journal_.number_of(request.mutex->journal_number, request.mutex->name, seat.number, clock);
    return 0;
}

bool ParallelWitness::carried_out(const Seat& seat, const parallel::Request& request, Count clock,
                                  std::int64_t result) {
    if (request.kind == Kind::point || request.meeting == &never) return true;
    if (request.kind == Kind::leave)
        return journal_.put({.kind = JournalRecordKind::ended, .participant = seat.number, .clock = clock});
    if (request.kind == Kind::join) result = request.other->number;
    if (request.kind == Kind::release) result = static_cast<std::int64_t>(request.amount);
    return journal_.put({.operation = operation_of(request.kind),
                         .participant = seat.number,
                         .object = number_of(seat, request, clock),
                         .clock = clock,
                         .result = result});
}

void ParallelWitness::kept(const Seat& seat, const parallel::Mutex& mutex, Count clock) {
    // It has a number: it was locked in turn before it was reserved.
    journal_.defer({.operation = OperationKind::lock,
                    .participant = seat.number,
                    .object = mutex.journal_number,
                    .clock = clock});
}

bool ParallelWitness::admitted(const Seat& seat, const Seat* by) {
    return journal_.admitted(seat.number, seat.role, seat.clock, by != nullptr ? by->number : nobody,
                             by != nullptr ? by->clock : 0);
}

bool ParallelWitness::withdrawn(const Seat& seat, const Seat* by) {
    return journal_.put({.kind = JournalRecordKind::ended,
                         .participant = seat.number,
                         .clock = seat.clock,
                         .result = by != nullptr ? by->number : seat.number});
}

void ParallelWitness::goes_on(const Seat& me, Count clock, Outcome outcome) {
    if (outcome != Outcome::timed_out && (outcome != Outcome::completed || me.clock == clock)) return;
    const Wakeup wakeup = outcome == Outcome::timed_out ? Wakeup::timed_out : Wakeup::completed;
    journal_.defer({.operation = OperationKind::resume,
                    .participant = me.number,
                    .clock = me.clock,
                    .result = static_cast<std::int64_t>(wakeup)});
}

void ParallelWitness::unlocked(const Seat& me, ObjectNumber mutex, Count clock) {
    journal_.defer(
        {.operation = OperationKind::unlock, .participant = me.number, .object = mutex, .clock = clock});
}

}  // namespace escapement::link
