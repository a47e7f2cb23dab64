#include "runtime.hpp"

#include "descriptors.hpp"
#include "keeper.hpp"
#include "processes.hpp"
#include "qemu.hpp"
#include "real.hpp"
#include "signals.hpp"
#include "thread_status.hpp"
#include "timers.hpp"
#include "timespecs.hpp"
#include "waiting_handlers.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

namespace {

// Virtual time begins at 2024-01-01T00:00:00Z by the calendar, and at some time after boot by the monotonic
// clock.
constexpr Nanoseconds virtual_realtime = 1'704'067'200 * second;
constexpr Nanoseconds virtual_monotonic = 1000 * second;

}  // namespace

void end_without_memory(const char* line) {
    flush_journal();
    [[maybe_unused]] const ssize_t written = real().write(STDERR_FILENO, line, std::strlen(line));
    real()._exit(125);
    __builtin_unreachable();
}

Runtime::Runtime(const Settings& settings, const OrderOptions& options)
    : settings_(settings), domain_(options, *this) {
    began_ns_ = host_ns();
    base_realtime_ns_ = virtual_realtime;
    base_monotonic_ns_ = virtual_monotonic;
    if (!settings.virtual_time) {
        timespec time{};
        real().clock_gettime(CLOCK_REALTIME, &time);
        base_realtime_ns_ = nanoseconds(time);
        base_monotonic_ns_ = began_ns_;
    }
    gives_way_ = gives_way_at_boundaries();
    if (gives_way_) order().set_returns_early(0, true);
    Seat& first = seat(0);
    first.thread_id.store(static_cast<pid_t>(gettid()), std::memory_order_relaxed);
    first.thread = pthread_self();
    first.turn_began_ns = began_ns_;
}

std::int64_t Runtime::host_ns() const {
    timespec time{};
    real().clock_gettime(CLOCK_MONOTONIC, &time);
    return nanoseconds(time);
}

Seat& Runtime::seat(ParticipantNumber number) {
    std::atomic<Seat*>& block = blocks_[(number / seats_per_block) % most_blocks];
    Seat* seats = block.load(std::memory_order_acquire);
    if (seats == nullptr) {
        // Mapped, not allocated: an allocator may be one of the things that this library stands in front of.
        constexpr std::size_t bytes = sizeof(Seat) * seats_per_block;
        void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            end_without_memory("escapement: no memory for another thread's seat; ended with status 125\n");
        }
        seats = static_cast<Seat*>(memory);
        for (ParticipantNumber each = 0; each < seats_per_block; ++each)
            new (&seats[each]) Seat;
        block.store(seats, std::memory_order_release);
    }
    return seats[number % seats_per_block];
}

// --- time
// --------------------------------------------------------------------------------------------------------------

Nanoseconds Runtime::time_passed(Nanoseconds now) {
    if (order().alarm() <= now) fire_timers(now);
    if (settings_.virtual_time) return 0;
    if (journaling == Journaling::replay) {
        const JournalRecord* const jump = expected_jump(false);
        if (jump == nullptr) return 0;
        const auto to = static_cast<Nanoseconds>(jump->value);
        take_expected();
        return to - now;
    }
    const Nanoseconds passed = host_ns() - began_ns_ - now;
    if (journaling == Journaling::record && passed > 0) journal_jump(now + passed, false);
    return passed;
}

void Runtime::begin_outside() {
    if (journaling == Journaling::off) return;
    journal_standard_input();
    if (settings_.virtual_time) return;
    Nanoseconds bases[] = {base_realtime_ns_, base_monotonic_ns_};
    outside_bytes(-1, bases, sizeof bases);
    base_realtime_ns_ = bases[0];
    base_monotonic_ns_ = bases[1];
}

Nanoseconds Runtime::now() {
    if (!settings_.virtual_time) order().idle_time(time_passed(order().now()));
    return order().now();
}

Nanoseconds Runtime::ask_time() {
    order().ask_time();
    const Nanoseconds time = now();
    published_now_.store(time, std::memory_order_relaxed);
    return time;
}

Nanoseconds Runtime::now_unordered() const {
    return settings_.virtual_time ? published_now_.load(std::memory_order_relaxed) : host_ns() - began_ns_;
}

timespec Runtime::time_of(clockid_t clock, Nanoseconds now) const {
    Nanoseconds time = now;
    switch (clock) {
        case CLOCK_REALTIME:
        case CLOCK_REALTIME_COARSE:
        case CLOCK_TAI:
            time += base_realtime_ns_;
            break;
        case CLOCK_PROCESS_CPUTIME_ID:
        case CLOCK_THREAD_CPUTIME_ID:
            break;
        default:
            time += base_monotonic_ns_;
            break;
    }
    return timespec_of(time);
}

Nanoseconds Runtime::deadline_of(clockid_t clock, const timespec& time) {
    const bool calendar = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
    if (time.tv_sec >= (no_deadline - second) / second) return no_deadline;
    Nanoseconds base = calendar ? base_realtime_ns_ : base_monotonic_ns_;
    if (calendar && !settings_.virtual_time) {
        // It may have been set since the beginning, and the caller has read it as it is.
        timespec now{};
        real().clock_gettime(CLOCK_REALTIME, &now);
        base = nanoseconds(now) - (host_ns() - began_ns_);
        outside_bytes(-1, &base, sizeof base);
    }
    return nanoseconds(time) - base;
}

Nanoseconds Runtime::deadline_in(const timespec& time) {
    if (time.tv_sec >= (no_deadline - now()) / second - 1) return no_deadline;
    return now() + nanoseconds(time);
}

// --- operations and turns
// ------------------------------------------------------------------------------------------------

void Runtime::operation(OperationKind kind, const volatile void* object, bool may_yield) {
    count_operation(may_yield);
    if (journaling != Journaling::off) [[unlikely]]
        journal_operation(kind, key_of(object));
}

DescriptorFacts Runtime::operation_on(OperationKind kind, int descriptor) {
    count_operation(false);
    if (kind == OperationKind::write && (is_descriptor(descriptor, DescriptorKind::event_counter) ||
                                         is_descriptor(descriptor, DescriptorKind::own_pipe))) {
        order().expect_polls();
    }
    return journaling == Journaling::off ? DescriptorFacts{} : journal_descriptor_operation(kind, descriptor);
}

Wakeup Runtime::pass_turn() {
    const Wakeup wakeup = domain_.pass_turn();
    if (journaling != Journaling::off) [[unlikely]]
        journal_resume(wakeup);
    return wakeup;
}

void Runtime::count_operation(bool may_yield) {
    // The holder alone writes it: no read-modify-write needed. Relaxed: the keeper only asks whether it
    // moved.
    heartbeat_.store(heartbeat_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (order().anybody_suspended()) [[unlikely]]
        await_suspended();
    if (may_yield && gives_way_ && thread_state.number != 0 && order().due()) [[unlikely]]
        domain_.give_way();
    // Strict alternation asks nobody where he may be stopped.
    domain_.operation(may_yield || settings_.ordering == Ordering::ticktock);
    if (order().alarm() <= order().now()) [[unlikely]]
        fire_timers(order().now());
    published_now_.store(order().now(), std::memory_order_relaxed);
}

void Runtime::boundary() {
    heartbeat_.store(heartbeat_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (order().alarm() <= order().now()) fire_timers(order().now());
    domain_.boundary();
    published_now_.store(order().now(), std::memory_order_relaxed);
}

void Runtime::expect_signals() {
    Seat& seat = my_seat();
    seat.signalled.store(false, std::memory_order_relaxed);
    seat.interrupted.store(false, std::memory_order_relaxed);
    seat.from_outside.store(false, std::memory_order_relaxed);
}

bool Runtime::poll(const char* what, PollRequest& request, Nanoseconds deadline, bool& signalled) {
    Seat& seat = my_seat();
    seat.request = &request;
    seat.interruptible = true;
    order().poll(what, deadline);
    const Wakeup wakeup = pass_turn();
    seat.request = nullptr;
    seat.interruptible = false;
    if (keeps_signals) [[unlikely]]
        take_signals_after_wait();
    signalled = seat.signalled.load(std::memory_order_relaxed);
    return wakeup == Wakeup::completed;
}

void Runtime::let_go_on(ParticipantNumber to) {
    Seat& next = seat(to);
    if (!settings_.virtual_time || settings_.statistics != nullptr) next.turn_began_ns = host_ns();
    holder_.store(to, std::memory_order_relaxed);
    heartbeat_.store(heartbeat_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    next.place.unpark();
}

void Runtime::hand_over(ParticipantNumber from, ParticipantNumber to) {
    Seat& mine = seat(from);
    if (settings_.statistics != nullptr) mine.held_ns += host_ns() - mine.turn_began_ns;
    if (journaling != Journaling::off) [[unlikely]]
        journal_turn(from, to);
    let_go_on(to);
    mine.place.park();
    await_departure();
}

void Runtime::leave(const char* what) {
    Seat& mine = my_seat();
    mine.arrived.store(false, std::memory_order_relaxed);
    thread_state.outside = true;
    left_ = thread_state.number;
    if (journaling != Journaling::off) [[unlikely]]
        journal_operation(OperationKind::leave, 0);
    order().leave(what);
    holder_.store(nobody, std::memory_order_relaxed);
    // The caller cannot wait for the outside on the domain's behalf, it is about to go there: the keeper
    // decides.
    decision_wanted_.store(true, std::memory_order_release);
    if (start_keeper() != 0)
        end_without_memory("escapement: nothing left for the keeper's thread; ended with status 125\n");
    keeper_place_.unpark();
}

void Runtime::arrive() {
    Seat& mine = my_seat();
    mine.arrived.store(true, std::memory_order_seq_cst);
    kick_idler();
    mine.place.park();
    await_departure();
    thread_state.outside = false;
    if (journaling != Journaling::off) [[unlikely]]
        journal_operation(OperationKind::arrive, 0);
}

void Runtime::decide_after(ParticipantNumber last) {
    left_ = last;
    holder_.store(nobody, std::memory_order_relaxed);
    decide_for_others();
}

void Runtime::decide_for_others() {
    const ParticipantNumber next = domain_.settle();
    if (next == nobody) return;
    if (journaling != Journaling::off) [[unlikely]]
        journal_turn(left_, next);
    let_go_on(next);
}

void Runtime::exit() {
    Seat& mine = my_seat();
    const ParticipantNumber number = thread_state.number;
    if (settings_.statistics != nullptr) mine.held_ns += host_ns() - mine.turn_began_ns;
    if (journaling != Journaling::off) [[unlikely]]
        journal_ended(number);
    order().exit();
    departing_ = static_cast<pid_t>(gettid());
    if (mine.detached) {
        mine.thread = pthread_t{};  // soon another's
        order().release(number);
    }
    thread_state.number = nobody;
    const ParticipantNumber next = domain_.settle();
    if (next != nobody) {
        if (journaling != Journaling::off) [[unlikely]]
            journal_turn(number, next);
        return let_go_on(next);
    }
    // The C library ends the process with its last thread, but it counts the keeper as one.
    if (keeper_started_) std::exit(0);
}

namespace {

/// The first thread of a process that ended before the others stays to be seen until they have ended too, as
/// a zombie (proc(5), /proc/pid/stat).
bool first_thread_is_zombie() {
    const char state = state_of(getpid());
    return state == '\0' || state == 'Z' || state == 'X';  // unread: better not to wait than to wait for ever
}

bool is_there(pid_t thread) {
    if (tgkill(getpid(), thread, 0) != 0) return false;
    return thread != getpid() || !first_thread_is_zombie();
}

}  // namespace

/// What the C library does at a thread's end (it gives its heap arena back, for one) nobody orders. Others
/// would see whether it has been done: in the addresses of what they allocate, and those whose clock counts
/// their instructions in that. It is soon over; unless the last of its thread-specific destructors waits, for
/// a lock whose holder has to wait for the turn.
void Runtime::await_departure() {
    if (departing_ == 0) return;
    constexpr unsigned patience = 100;       // looks, before the processor is left to others for a while
    constexpr unsigned most_looks = 10'000;  // about a second
    for (unsigned looks = 0; is_there(departing_); ++looks) {
        if (looks == most_looks) {
            add_incident({.reason = "a thread that has left the order does not end"});
            break;
        }
        const timespec pause{.tv_sec = 0, .tv_nsec = looks < patience ? 0 : 50'000};
        real().syscall(SYS_nanosleep, &pause, nullptr);
    }
    departing_ = 0;
}

void Runtime::after_fork() {
    order().after_fork();
    Seat& mine = my_seat();
    mine.thread_id.store(static_cast<pid_t>(gettid()), std::memory_order_relaxed);
    mine.thread = pthread_self();
    for (ParticipantNumber number = 0; number < order().participants().size(); ++number)
        seat(number).place.reset();
    departing_ = 0;
    forget_timers();
    if (counting) begin_counting();  // anew: the parent's counters count the parent
    idler_.store(0, std::memory_order_relaxed);
    keeper_place_.reset();
    keeper_started_ = false;
    journal_of_child();
}

int Runtime::start_keeper() {
    if (keeper_started_) return 0;
    const int error = start_keeper_thread();
    keeper_started_ = error == 0;
    return error;
}

void Runtime::add_incident(const Incident& incident) {
    const std::size_t index = incident_count_.load(std::memory_order_relaxed);
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
        const Incident& each = incidents_[earlier];
        if (each.participant == incident.participant && each.address == incident.address &&
            each.reason == incident.reason && each.what == incident.what) {
            return;  // said already
        }
    }
    if (index < most_incidents) {
        incidents_[index] = incident;
        incident_count_.store(index + 1, std::memory_order_release);
        if (thread_state.number != nobody && !thread_state.outside) journal_incident(incident);
    }
}

}  // namespace escapement::preload
