// The host's side of waiting for what comes from outside: which descriptors, whether they are live, and for
// how long.

#include "child_processes.hpp"
#include "live_input.hpp"
#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "signals.hpp"
#include "statistics.hpp"
#include "thread_status.hpp"
#include "timespecs.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace escapement::preload {

namespace {

constexpr Nanoseconds look_again_ns = 2'000'000;
constexpr std::size_t most_descriptors = 4096;
constexpr Nanoseconds flush_after_ns = 20'000'000;
constexpr Nanoseconds longest_wait_for_itself = 5 * second;

bool posted(const PollRequest& request) {
    int value = 0;
    return request.semaphore != nullptr && sem_getvalue(request.semaphore, &value) == 0 && value > 0;
}

bool has_children() {
    const int saved = errno;
    const bool any = reporting_child(-1, WEXITED) >= 0;
    errno = saved;
    return any;
}

}  // namespace

bool Runtime::poll_ready(ParticipantNumber participant) {
    if (journaling == Journaling::off) [[likely]]
        return has_come(participant);
    if (journaling == Journaling::record) {
        const bool there = has_come(participant);
        if (there) journal_poll_ready(participant);
        return there;
    }
    if (expected_of(JournalRecordKind::poll_ready, participant) == nullptr) return false;
    take_expected();
    // What the program does itself comes in a replay as well, but perhaps later.
    const State state = order().participants()[participant].state;
    const PollRequest* const request = seat(participant).request;
    const bool certain = state == State::outside || order().participants()[participant].suspended;
    const bool own =
        certain || (request != nullptr && (request->semaphore != nullptr || request->once != nullptr) &&
                    expected_record().kind != JournalRecordKind::signal);
    const std::int64_t began = host_ns();
    constexpr std::int64_t patience_ns = 2'000'000'000;
    while (own && !has_come(participant) && (certain || host_ns() - began < patience_ns)) {
        const timespec pause{.tv_sec = 0, .tv_nsec = 50'000};
        real().syscall(SYS_nanosleep, &pause, nullptr);
    }
    return true;
}

bool Runtime::has_come(ParticipantNumber participant) {
    Seat& its = seat(participant);
    if (order().participants()[participant].suspended) return !its.in_handler();
    if (order().participants()[participant].state == State::outside) {
        return its.arrived.load(std::memory_order_seq_cst);
    }
    if (its.cancellation_wanted()) return true;
    if (its.interruptible && its.signalled.load(std::memory_order_seq_cst)) return true;
    if (its.interruptible && keeps_signals && kept_signal_for(participant)) return true;
    const PollRequest* const request = its.request;
    if (request == nullptr) return false;
    // An error is for the caller to see.
    if (request->children && reporting_child(request->child, request->child_options) != 0) return true;
    if (posted(*request)) return true;
    if (request->signals != nullptr &&
        has_pending(its.thread_id.load(std::memory_order_relaxed), *request->signals))
        return true;
    // Whose routine throws leaves it undone, and wakes nobody. Source: glibc, nptl/pthread_once.c, bit 0.
    if (request->once != nullptr && (__atomic_load_n(request->once, __ATOMIC_ACQUIRE) & 1) == 0) return true;
    if (request->count == 0) return false;
    const int saved = errno;
    const int ready = real().poll(request->descriptors, request->count, 0);
    errno = saved;
    return ready != 0;  // also on an error: the caller is to see it
}

Host::IdleEnd Runtime::idle(Nanoseconds now, Nanoseconds deadline) {
    if (keeps_signals && take_signals_when_idle()) return {};
    if (journaling == Journaling::off) [[likely]]
        return wait_idle(now, deadline);
    if (journaling == Journaling::record) {
        const IdleEnd end = wait_idle(now, deadline);
        const Nanoseconds to = end.reached_deadline ? deadline : now + end.passed;
        if (to > now && to != no_deadline) journal_jump(to, true);
        return end;
    }
    if (const JournalRecord* const jump = expected_jump(true); jump != nullptr) {
        const auto to = static_cast<Nanoseconds>(jump->value);
        const bool reached = deadline != no_deadline && to >= deadline;
        take_expected();
        return {.reached_deadline = reached, .passed = reached ? 0 : to - now};
    }
    const JournalRecordKind next = expected_record().kind;
    if (journaling == Journaling::off) return wait_idle(now, deadline);
    if (next != JournalRecordKind::poll_ready && next != JournalRecordKind::time_jump)
        diverge({.kind = JournalRecordKind::time_jump, .participant = acting_participant()});
    return {};
}

Host::IdleEnd Runtime::wait_idle(Nanoseconds now, Nanoseconds deadline) {
    static pollfd descriptors[most_descriptors];  // used by whoever decides, of whom there is one
    nfds_t count = 0;
    bool live = !settings_.virtual_time;
    bool looks_again = false;  // for what no descriptor tells
    const auto& participants = order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        if (participants[number].state == State::outside || participants[number].suspended) live = true;
        if (participants[number].state != State::polling) continue;
        const PollRequest* const request = seat(number).request;
        if (request == nullptr) continue;
        const bool awaits_signal = request->signals != nullptr || request->any_signal;
        // Only the outside may send it, if no timer is to.
        live = live || (awaits_signal && (next_signal_timer() == no_deadline || has_children()));
        looks_again = looks_again || request->children || request->signals != nullptr;
        live = live || (request->epoll && watches_live_input(request->descriptors[0].fd));
        for (nfds_t index = 0; index < request->count && count < most_descriptors; ++index) {
            descriptors[count++] = request->descriptors[index];
            live = live || brings_live_input(request->descriptors[index]);
        }
    }
    if (deadline != no_deadline && !live && !looks_again) return {.reached_deadline = true};

    Nanoseconds wait = deadline == no_deadline ? no_deadline : deadline - now;
    if (looks_again && wait > look_again_ns) wait = look_again_ns;
    const bool waits_for_itself = deadline == no_deadline && qemu_waits_for_itself(*this);
    if (waits_for_itself)
        wait = std::min(wait, longest_wait_for_itself);
    else
        waited_for_itself_ = 0;
    const int saved = errno;
    sigset_t keeper_only;
    sigset_t before;
    sigemptyset(&keeper_only);
    sigaddset(&keeper_only, keeper_signal);
    real().pthread_sigmask(SIG_BLOCK, &keeper_only, &before);
    sigset_t during = before;
    sigdelset(&during, keeper_signal);
    idler_.store(static_cast<pid_t>(gettid()), std::memory_order_seq_cst);
    bool came = keeps_signals && kept_signal_for_anybody();
    for (ParticipantNumber number = 0; number < participants.size() && !came; ++number) {
        const State state = participants[number].state;
        Seat& its = seat(number);
        if (participants[number].suspended) {
            came = !its.in_handler();
        } else if (state == State::outside) {
            came = its.arrived.load(std::memory_order_seq_cst);
        } else if (state == State::polling || state == State::waiting || state == State::joining) {
            came = its.cancellation_wanted() ||
                   (its.interruptible && its.signalled.load(std::memory_order_seq_cst)) ||
                   (its.interruptible && keeps_signals && kept_signal_for(number)) ||
                   (its.request != nullptr && posted(*its.request));
        }
    }
    const std::int64_t began = host_ns();
    int ready = 1;
    if (!came) {
        const auto await = [&](Nanoseconds most) {
            const timespec timeout{.tv_sec = most / 1'000'000'000, .tv_nsec = most % 1'000'000'000};
            return real().ppoll(descriptors, count, most == no_deadline ? nullptr : &timeout, &during);
        };
        // A wait that lasts is the time to write what the journal has.
        const bool flushes = journaling == Journaling::record && wait > flush_after_ns;
        ready = flushes ? await(flush_after_ns) : 0;
        if (flushes && ready == 0) flush_journal();
        if (ready == 0) ready = await(flushes && wait != no_deadline ? wait - flush_after_ns : wait);
    }
    const Nanoseconds passed = host_ns() - began;
    idler_.store(0, std::memory_order_seq_cst);
    real().pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = saved;
    if (waits_for_itself) waited_for_itself_ = ready > 0 ? 0 : waited_for_itself_ + passed;
    if (waited_for_itself_ >= longest_wait_for_itself) {
        end_instead_of_hanging("deadlock",
                               "deadlock: QEMU's vCPU thread waits for a request that only its main loop can "
                               "finish, and its main loop waits for the vCPU thread");
    }
    if (ready == 0 && deadline != no_deadline && wait == deadline - now) return {.reached_deadline = true};
    if (deadline != no_deadline && passed >= deadline - now) return {.reached_deadline = true};
    return {.reached_deadline = false, .passed = settings_.virtual_time ? passed : 0};
}

void Runtime::note_signal(bool restarts, bool from_outside) {
    if (thread_state.number == nobody) return;
    if (from_outside) my_seat().from_outside.store(true, std::memory_order_seq_cst);
    if (!restarts) my_seat().interrupted.store(true, std::memory_order_seq_cst);
    my_seat().signalled.store(true, std::memory_order_seq_cst);
    kick_idler();
}

void Runtime::kick_idler() {
    const pid_t idler = idler_.load(std::memory_order_seq_cst);
    if (idler != 0) {
        const int saved = errno;
        tgkill(getpid(), idler, keeper_signal);
        errno = saved;
    }
}

bool Runtime::others_want_the_turn() {
    if (order().others_want_the_turn() || order().anybody_polls()) return true;
    for (ParticipantNumber number = 0; number < order().participants().size(); ++number) {
        if (order().participants()[number].state == State::outside &&
            seat(number).arrived.load(std::memory_order_seq_cst))
            return true;
    }
    return false;
}

void Runtime::stuck(const Order& stuck_order) {
    // Semaphores may be posted by signal handlers: who waits for one waits for the outside as well.
    if (handlers_installed()) {
        const auto& participants = stuck_order.participants();
        for (ParticipantNumber number = 0; number < participants.size(); ++number) {
            const PollRequest* const request = seat(number).request;
            if (participants[number].state != State::waiting || request == nullptr ||
                request->semaphore == nullptr)
                continue;
            idle(stuck_order.now(), no_deadline);
            return;
        }
    }
    end_instead_of_hanging(
        "deadlock",
        "deadlock: no participant can go on, and nothing from outside or a time-out could change that");
}

void Runtime::end_instead_of_hanging(const char* incident, const std::string& what) {
    std::fprintf(stderr,
                 "escapement: %s:\n%s"
                 "escapement: ended with status 125 instead of hanging\n",
                 what.c_str(), order().stall_report().c_str());
    add_incident({.participant = nobody, .address = 0, .reason = incident});
    close_journal();
    write_statistics();
    real()._exit(125);
}

}  // namespace escapement::preload
