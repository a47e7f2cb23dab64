#include "kept_signals.hpp"

#include "real.hpp"
#include "recording.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "signals.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace escapement::preload {

namespace {

enum class Slot : std::uint8_t { free, being_written, full };

struct KeptSignal {
    std::atomic<Slot> slot{Slot::free};
    int signal = 0;
    siginfo_t information{};
    ParticipantNumber target = nobody;  ///< on whose thread it came
    std::uint64_t sequence = 0;
};

// Written by signal handlers on any thread (the slot's state publishes the rest), taken by the participant
// with the turn.
constexpr std::size_t most_kept = 128;
KeptSignal kept[most_kept];
std::atomic<unsigned> kept_count{0};
std::atomic<std::uint64_t> sequence{0};

// Of a siginfo_t what a handler is told: the rest of its 128 bytes is padding.
constexpr std::size_t information_size = 48;

constexpr std::int64_t result_restarts = 1;   ///< calls that it interrupts go on
constexpr std::int64_t result_ends_wait = 2;  ///< it came for the thread whose wait it ends

bool ends_wait_of(ParticipantNumber participant) {
    return participant != nobody && runtime().seat(participant).interruptible;
}

/// The one kept longest that `wanted` wants; null if there is none.
template <typename Wanted>
KeptSignal* first_kept(Wanted wanted) {
    if (kept_count.load(std::memory_order_seq_cst) == 0) return nullptr;
    KeptSignal* first = nullptr;
    for (KeptSignal& each : kept) {
        if (each.slot.load(std::memory_order_acquire) != Slot::full || !wanted(each)) continue;
        if (first == nullptr || each.sequence < first->sequence) first = &each;
    }
    return first;
}

bool for_anybody(const KeptSignal& each) {
    return !ends_wait_of(each.target);
}

struct Taken {
    int signal;
    siginfo_t information;
    std::int64_t result;
};

/// Takes it, and tells the journal.
Taken take(KeptSignal& signal, std::int64_t ends_wait) {
    Taken taken{.signal = signal.signal,
                .information = signal.information,
                .result = ends_wait | (handler_restarts(signal.signal) ? result_restarts : 0)};
    signal.slot.store(Slot::free, std::memory_order_release);
    kept_count.fetch_sub(1, std::memory_order_seq_cst);
    note_timer_signal(taken.signal, taken.information);
    if (journaling != Journaling::record) return taken;
    record_of_caller({.kind = JournalRecordKind::signal,
                      .object = thread_state.visits,
                      .result = taken.result,
                      .value = static_cast<std::uint64_t>(taken.signal),
                      .bytes = std::as_bytes(std::span(&taken.information, 1)).first(information_size)});
    return taken;
}

/// True if the caller has come to where `record` was made. Not all visits to this library are operations, so
/// that the clock alone does not tell: a journal of before they were counted has 0.
bool is_at(const JournalRecord& record) {
    const Count clock = runtime().order().participants()[record.participant].clock;
    return clock != record.clock ? clock > record.clock : thread_state.visits >= record.object;
}

/// The journal's next record, if it is a signal of the caller's, here.
bool take_expected_signal(Taken& taken) {
    const JournalRecord* const record = expected_of(JournalRecordKind::signal, acting_participant());
    if (record == nullptr || !is_at(*record)) return false;
    taken = {.signal = static_cast<int>(record->value), .information = {}, .result = record->result};
    std::memcpy(&taken.information, record->bytes.data(),
                record->bytes.size() < information_size ? record->bytes.size() : information_size);
    take_expected();
    note_timer_signal(taken.signal, taken.information);
    return true;
}

template <typename Wanted>
bool take_next(Taken& taken, Wanted wanted, std::int64_t ends_wait) {
    if (journaling == Journaling::replay) return take_expected_signal(taken);
    KeptSignal* const signal = first_kept(wanted);
    if (signal == nullptr) return false;
    taken = take(*signal, signal->target == thread_state.number ? ends_wait : 0);
    return true;
}

}  // namespace

bool comes_from_outside(int signal, const siginfo_t& information) {
    switch (signal) {
        case SIGSEGV:
        case SIGBUS:
        case SIGILL:
        case SIGFPE:
        case SIGTRAP:
        case SIGSYS:
        case SIGABRT:
            return false;
        default:
            break;
    }
    if (is_timer_signal(signal, information)) return false;
    const bool sent =
        information.si_code == SI_USER || information.si_code == SI_TKILL || information.si_code == SI_QUEUE;
    return !sent || information.si_pid != getpid();
}

void keep_outside_signal(int signal, const siginfo_t& information) {
    keep_signal(signal, information, thread_state.number);
}

void keep_signal(int signal, const siginfo_t& information, ParticipantNumber target) {
    if (journaling == Journaling::replay) return;
    for (KeptSignal& each : kept) {
        Slot free = Slot::free;
        if (!each.slot.compare_exchange_strong(free, Slot::being_written, std::memory_order_acquire))
            continue;
        each.signal = signal;
        each.information = information;
        each.target = target;
        each.sequence = sequence.fetch_add(1, std::memory_order_relaxed);
        each.slot.store(Slot::full, std::memory_order_release);
        kept_count.fetch_add(1, std::memory_order_seq_cst);
        break;
    }
    runtime().kick_idler();
}

bool kept_signal_for(ParticipantNumber participant) {
    return first_kept([participant](const KeptSignal& each) { return each.target == participant; }) !=
           nullptr;
}

bool kept_signal_for_anybody() {
    return first_kept(for_anybody) != nullptr;
}

void take_signals_between_operations() {
    if (journaling != Journaling::replay && kept_count.load(std::memory_order_relaxed) == 0) [[likely]]
        return;
    Taken taken{};
    while (take_next(taken, for_anybody, 0)) {
        thread_state.inside = 0;
        run_handler(taken.signal, taken.information);
        thread_state.inside = 1;
    }
}

void take_signals_after_wait() {
    const ParticipantNumber self = thread_state.number;
    Taken taken{};
    const auto wanted = [self](const KeptSignal& each) { return each.target == self || for_anybody(each); };
    while (take_next(taken, wanted, result_ends_wait)) {
        thread_state.inside = 0;
        run_handler(taken.signal, taken.information);
        thread_state.inside = 1;
        if ((taken.result & result_ends_wait) == 0) continue;
        Seat& seat = runtime().my_seat();
        if ((taken.result & result_restarts) == 0) seat.interrupted.store(true, std::memory_order_seq_cst);
        if (comes_from_outside(taken.signal, taken.information))
            seat.from_outside.store(true, std::memory_order_seq_cst);
        seat.signalled.store(true, std::memory_order_seq_cst);
    }
}

bool take_signals_when_idle() {
    Taken taken{};
    bool any = false;
    while (take_next(taken, for_anybody, 0)) {
        thread_state.handles_for_all = true;
        run_handler(taken.signal, taken.information);
        thread_state.handles_for_all = false;
        any = true;
    }
    return any;
}

}  // namespace escapement::preload
