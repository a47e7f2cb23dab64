// Threads: a participant each, from their creator's pthread_create to the last of their own destructors.

#include "threads.hpp"

#include "mutexes.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

ParticipantNumber participant_of(pthread_t thread) {
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        if (participants[number].state != State::released &&
            pthread_equal(domain.seat(number).thread, thread) != 0) {
            return number;
        }
    }
    return nobody;
}

namespace {

/// What a thread needs to begin. It exists before its participant does: should its creation fail, or wait for
/// somebody, the order knows nothing of it yet.
struct Beginning {
    void* (*routine)(void*);
    void* argument;
    ParticipantNumber number = nobody;
    ParkingPlace place;  ///< until `number` is known
};

pthread_key_t end_key;
bool end_key_made = false;

/// glibc runs the destructors of thread-specific data in rounds. A thread's own destructors may still use
/// locks, so the thread leaves the order in the last round. Source: glibc, nptl/nptl_deallocate_tsd.c;
/// limits.h.
void at_thread_end(void* value) {
    if (thread_state.number == nobody) return;
    if (++thread_state.rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, value);
        return;
    }
    const Entry entry;
    if (!entry.ordered()) return;
    release_robust_mutexes();
    if (counting) end_counting();
    runtime().exit();
}

void expect_thread_end() {
    if (!end_key_made) end_key_made = pthread_key_create(&end_key, at_thread_end) == 0;
    if (end_key_made) pthread_setspecific(end_key, &end_key);
}

void* begin(void* memory) {
    auto* const beginning = static_cast<Beginning*>(memory);
    beginning->place.park();
    void* (*const routine)(void*) = beginning->routine;
    void* const argument = beginning->argument;
    Seat& seat = runtime().seat(beginning->number);
    seat.thread_id.store(static_cast<pid_t>(gettid()), std::memory_order_relaxed);
    thread_state.inside = 1;
    thread_state.number = beginning->number;
    seat.place.park();
    runtime().await_departure();
    if (counting) begin_counting();
    thread_state.inside = 0;  // the allocator may be the program's, with locks of its own
    std::free(memory);
    expect_thread_end();
    if (counting) resume_counting();
    return routine(argument);
}

/// The C library loads the unwinder for the first thread that ends itself or is cancelled, under the loader's
/// lock, which nobody orders: who has that while a library begins, and hands its turn on, would be waited
/// for. Source: glibc, misc/unwind-link.c; debug/backtrace.c loads it as well.
void load_unwinder() {
    static bool loaded = false;  // belongs to the turn
    void* frame = nullptr;
    if (!loaded) backtrace(&frame, 1);
    loaded = true;
}

/// Nobody will ask for it any more. Its handle may soon be another's.
void release(ParticipantNumber number) {
    runtime().seat(number).thread = pthread_t{};
    runtime().order().release(number);
}

/// Waits for the end of `thread`, by `clock` until `time` if there is one.
int join_in_order(pthread_t thread, void** value, clockid_t clock, const timespec* time) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::join, nullptr);
    const ParticipantNumber number = participant_of(thread);
    if (number == thread_state.number) return EDEADLK;
    if (number == nobody) {
        const CancellationPoint point;
        const Outside outside("the end of a stranger");
        return real().pthread_join(thread, value);
    }
    if (domain.seat(number).detached) return EINVAL;
    const Nanoseconds deadline = time == nullptr ? no_deadline : domain.deadline_of(clock, *time);
    const CancellationPoint point;
    if (!domain.order().join(number, deadline)) {
        const Wakeup wakeup = domain.pass_turn();
        // Sent back because of a cancellation, which the caller will act on.
        if (domain.order().participants()[number].state != State::exited)
            return wakeup == Wakeup::timed_out ? ETIMEDOUT : EINTR;
    }
    const int result = real().pthread_join(thread, value);
    if (result == 0) release(number);
    return result;
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;
using escapement::nobody;
using escapement::OperationKind;
using escapement::ParticipantNumber;
using escapement::State;

ESCAPEMENT_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                     void* (*routine)(void*), void* argument) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_create(thread, attributes, routine, argument);
    Runtime& domain = runtime();
    domain.operation(OperationKind::create, nullptr);
    if (const int error = domain.start_keeper(); error != 0) return error;
    // What follows may allocate: the allocator may be the program's, with locks of its own.
    thread_state.inside = 0;
    load_unwinder();
    if (thread_state.number == 0) expect_thread_end();
    void* const memory = std::malloc(sizeof(Beginning));
    auto* const beginning = memory != nullptr ? new (memory) Beginning : nullptr;
    int result = EAGAIN;
    if (beginning != nullptr) {
        beginning->routine = routine;
        beginning->argument = argument;
        result = real().pthread_create(thread, attributes, begin, beginning);
    }
    if (result != 0) std::free(memory);
    thread_state.inside = 1;
    if (result != 0) return result;
    const ParticipantNumber number = domain.order().create();
    if (journaling != Journaling::off) [[unlikely]]
        journal_created(number);
    beginning->number = number;
    Seat& seat = domain.seat(number);
    seat.place.reset();
    seat.request = nullptr;
    seat.interruptible = false;
    seat.cancellable = false;
    seat.signalled.store(false, std::memory_order_relaxed);
    seat.interrupted.store(false, std::memory_order_relaxed);
    seat.arrived.store(false, std::memory_order_relaxed);
    seat.cancelled.store(false, std::memory_order_relaxed);
    seat.handlers.store(0, std::memory_order_relaxed);  // one may have ended the thread before
    seat.bounded = false;
    int detached = PTHREAD_CREATE_JOINABLE;
    if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &detached);
    seat.detached = detached == PTHREAD_CREATE_DETACHED;
    seat.thread = *thread;
    seat.thread_id.store(0, std::memory_order_relaxed);
    beginning->place.unpark();
    return 0;
}

ESCAPEMENT_EXPORT int pthread_join(pthread_t thread, void** value) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pthread_join(thread, value);
        result = join_in_order(thread, value, CLOCK_REALTIME, nullptr);
    }
    if (result == EINTR) pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pthread_clockjoin_np(pthread_t thread, void** value, clockid_t clock,
                                           const timespec* time) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().pthread_clockjoin_np(thread, value, clock, time);
        result = join_in_order(thread, value, clock, time);
    }
    if (result == EINTR) pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int pthread_timedjoin_np(pthread_t thread, void** value, const timespec* time) {
    return pthread_clockjoin_np(thread, value, CLOCK_REALTIME, time);
}

ESCAPEMENT_EXPORT int pthread_tryjoin_np(pthread_t thread, void** value) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_tryjoin_np(thread, value);
    Runtime& domain = runtime();
    domain.operation(OperationKind::join, nullptr);
    const ParticipantNumber number = participant_of(thread);
    if (number == nobody) return real().pthread_tryjoin_np(thread, value);
    if (domain.order().participants()[number].state != State::exited) return EBUSY;
    const int result = real().pthread_join(thread, value);
    if (result == 0) release(number);
    return result;
}

ESCAPEMENT_EXPORT int pthread_detach(pthread_t thread) noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_detach(thread);
    Runtime& domain = runtime();
    domain.operation(OperationKind::detach, nullptr);
    const ParticipantNumber number = participant_of(thread);
    const int result = real().pthread_detach(thread);
    if (result == 0 && number != nobody) {
        domain.seat(number).detached = true;
        if (domain.order().participants()[number].state == State::exited) release(number);
    }
    return result;
}

ESCAPEMENT_EXPORT int pthread_cancel(pthread_t thread) {
    const Entry entry;
    if (!entry.ordered()) return real().pthread_cancel(thread);
    Runtime& domain = runtime();
    domain.operation(OperationKind::cancel, nullptr);
    const int result = real().pthread_cancel(thread);
    // Waits are points of cancellation; its own next decision lets it out of the one that it may be in.
    const ParticipantNumber number = participant_of(thread);
    if (number != nobody) domain.seat(number).cancelled.store(true, std::memory_order_seq_cst);
    return result;
}

ESCAPEMENT_EXPORT int pthread_setcanceltype(int type, int* before) {
    // Inside this library a thread is cancelled at the end of its visit only: see Entry.
    thread_state.cancelled_anywhere = type == PTHREAD_CANCEL_ASYNCHRONOUS;
    return real().pthread_setcanceltype(type, before);
}

ESCAPEMENT_EXPORT int pthread_setname_np(pthread_t thread, const char* name) noexcept {
    const Entry entry;
    if (entry.ordered()) {
        const ParticipantNumber number = participant_of(thread);
        if (number != nobody && !thread_state.qemu.round_robin) {
            runtime().order().set_role(number, name);
            if (journaling != Journaling::off) [[unlikely]]
                journal_role(number, name);
        }
    }
    return real().pthread_setname_np(thread, name);
}

ESCAPEMENT_EXPORT int sched_yield() noexcept {
    const Entry entry;
    if (!entry.ordered()) return real().sched_yield();
    Runtime& domain = runtime();
    domain.operation(OperationKind::yield, nullptr, false);
    domain.domain().give_way();
    return 0;
}
