#include "qemu.hpp"

#include "descriptors.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "thread_state.hpp"
#include "timespecs.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string>

// QEMU's, or null: bound by the loader. To look them up by dlsym would allocate where they are missing, and
// the first call of this library may come from inside an allocator.
extern "C" {
#define ESCAPEMENT_QEMU __attribute__((weak, visibility("default"))) extern
ESCAPEMENT_QEMU std::int64_t icount_get_raw();
ESCAPEMENT_QEMU bool replay_mutex_locked();
ESCAPEMENT_QEMU bool bql_locked();                  // from 9.0
ESCAPEMENT_QEMU bool qemu_mutex_iothread_locked();  // before
ESCAPEMENT_QEMU bool qemu_in_vcpu_thread();
ESCAPEMENT_QEMU int replay_mode;
#undef ESCAPEMENT_QEMU
}

namespace escapement::preload {

namespace {

// Roughly what TCG needs for one guest instruction when it counts them, so that virtual time goes about as
// fast as the host's.
constexpr Nanoseconds nanoseconds_per_instruction = 4;

// ReplayMode of QEMU's qapi/replay.json.
constexpr int replay_mode_record = 1;
constexpr int replay_mode_play = 2;

// The round-robin thread takes the replay mutex two or three times a round, and may come round with nothing
// done for its own reasons (an exit request); more often than this it waits for the main loop.
constexpr unsigned most_idle_acquisitions = 8;

// A guest that spins (firmware that waits for its disk: PAUSE, YIELD and the like end a round) comes round in
// the same few hundred instructions again and again, which take the host as long as many thousands; by the
// time of a quantum its disk would have been ready a hundred times. So a few rounds, each as long as one of
// the last, are a quantum if somebody could go on. Else it takes more of them, as to look what came from
// outside is a system call: half as many as the last time if somebody did go on since, or twice as many. Not
// any short rounds: what a guest does while it does not spin is left to itself, so that a device of which
// QEMU records nothing (a random number generator) finds it in the same place in a replay.
constexpr std::int64_t longest_spin = 1000;
constexpr unsigned least_spins = 4;
constexpr unsigned most_spins = 1024;

// A replay in which the round-robin thread gave way for so long, and nobody else brought what it waits for,
// never gets on. In its own processor time: neither a busy host nor SIGSTOP is taken for that.
constexpr Nanoseconds longest_standstill = 5 * second;
constexpr unsigned looks_at_clock = 1024;

struct Qemu {
    // The process's, found by name; null where this QEMU has none.
    std::int64_t (*icount_get_raw)() = nullptr;
    bool (*replay_mutex_locked)() = nullptr;
    bool (*big_lock_held)() = nullptr;
    bool (*in_vcpu_thread)() = nullptr;
    int* replay_mode = nullptr;
    // Everything below is touched only by the participant with the turn.
    const pthread_mutex_t* replay_mutex = nullptr;  ///< the inner one
    const pthread_mutex_t* big_lock = nullptr;
    std::int64_t last_icount = 0;
    unsigned idle_acquisitions = 0;
    unsigned gave_way = 0;                 ///< since the guest last did anything
    Nanoseconds stands_since = 0;          ///< the thread's processor time
    std::array<std::int64_t, 8> rounds{};  ///< instructions of the last ones
    unsigned next_round = 0;
    unsigned spins = 0;  ///< rounds in a row that were as long as one of the last
    unsigned quantum_of_spins = 16;
    std::uint64_t switches_seen = 0;  ///< when spins last were a quantum
};

Qemu qemu;
bool reported = false;
bool aside = false;
bool is_qemu = false;
bool with_replay = false;  ///< it records or replays
bool unknown = false;      ///< a QEMU that exports no symbols

template <typename Symbol>
bool find(Symbol*& symbol, Symbol* address) {
    symbol = address;
    return symbol != nullptr;
}

/// This process's command line, its arguments separated by zeros; cut if very long.
struct CommandLine {
    char text[65536];
    std::size_t size = 0;

    CommandLine() {
        const int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        ssize_t got = 0;
        while (size < sizeof text - 1 && (got = ::read(file, text + size, sizeof text - 1 - size)) > 0) {
            size += static_cast<std::size_t>(got);
        }
        text[size] = '\0';
        close(file);
    }

    /// The argument after `option` (given with one dash or two), or null; "" if it is the last.
    [[nodiscard]] const char* after(const char* option) const {
        for (std::size_t at = 0; at < size; at += std::strlen(text + at) + 1) {
            const char* argument = text + at;
            if (*argument != '-') continue;
            argument += argument[1] == '-' ? 2 : 1;
            if (std::strcmp(argument, option) != 0) continue;
            const std::size_t next = at + std::strlen(text + at) + 1;
            return next < size ? text + next : "";
        }
        return nullptr;
    }

    [[nodiscard]] bool program_is_qemu() const {
        const char* const slash = std::strrchr(text, '/');
        return std::strncmp(slash != nullptr ? slash + 1 : text, "qemu-system-", 12) == 0;
    }
};

}  // namespace

bool find_qemu(const Settings& settings) {
    const bool found =
        find(qemu.icount_get_raw, icount_get_raw) && find(qemu.replay_mutex_locked, replay_mutex_locked) &&
        (find(qemu.big_lock_held, bql_locked) || find(qemu.big_lock_held, qemu_mutex_iothread_locked)) &&
        find(qemu.in_vcpu_thread, qemu_in_vcpu_thread) && find(qemu.replay_mode, &replay_mode);
    static CommandLine command;  // static: too large for a small stack
    is_qemu = found || command.program_is_qemu();
    const char* const icount = is_qemu ? command.after("icount") : nullptr;
    // Options may also come from a file, which is QEMU's to read: then it is ordered in any case.
    aside = is_qemu && icount == nullptr && command.after("readconfig") == nullptr;
    // Without record/replay the vCPU thread never comes to a place where its instruction count may be read.
    with_replay = icount != nullptr && std::strstr(icount, "rr=") != nullptr;
    reported = found && with_replay &&
               (settings.clock == ClockSource::automatic || settings.clock == ClockSource::reported);
    if (!found) qemu = Qemu{};
    unknown = is_qemu && !found;

    if (settings.clock == ClockSource::reported && !reported) {
        std::fprintf(stderr, "escapement: --clock reported: %s; use --clock operations or auto\n",
                     !is_qemu ? "this program reports no instructions (it is not a QEMU)"
                     : !found ? "this QEMU exports none of the symbols that tell its instruction count"
                              : "this QEMU is not recording or replaying (-icount shift=…,rr=…), so its "
                                "count cannot be read");
        real()._exit(2);
    }
    if (settings.ordering == Ordering::free) return reported;
    if (aside) {
        std::fprintf(stderr,
                     "escapement: this QEMU runs without -icount, so nothing in it can be ordered by "
                     "instructions: it runs as it is;"
                     " add -icount shift=7,rr=record,rrfile=FILE\n");
    } else if (is_qemu && !found && settings.clock == ClockSource::automatic) {
        std::fprintf(
            stderr,
            "escapement: this QEMU exports no symbols that tell its instruction count; clock: operations\n");
    }
    return reported;
}

bool is_ordered_qemu() {
    return is_qemu && !aside;
}

bool records_or_replays() {
    return with_replay;
}

bool stands_aside() {
    return aside;
}

bool gives_way_at_boundaries() {
    return unknown;
}

const char* clock_name() {
    if (counting) return runtime().settings().clock == ClockSource::perf ? "perf" : "stepped";
    return reported ? "reported" : "operations";
}

namespace {

/// What a round of `done` instructions counts for beyond them.
Count spun(const Order& order, std::int64_t done) {
    const auto& rounds = qemu.rounds;
    const bool again = done < longest_spin && std::find(rounds.begin(), rounds.end(), done) != rounds.end();
    qemu.rounds[qemu.next_round++ % rounds.size()] = done;
    qemu.spins = again ? qemu.spins + 1 : 0;
    const bool wanted = order.anybody_else_runnable();
    if (qemu.spins < (wanted ? least_spins : qemu.quantum_of_spins)) return 0;
    const std::uint64_t switches = order.statistics().switches;
    qemu.quantum_of_spins = wanted || switches != qemu.switches_seen
                                ? std::max(qemu.quantum_of_spins / 2, least_spins)
                                : std::min(qemu.quantum_of_spins * 2, most_spins);
    qemu.switches_seen = switches;
    qemu.spins = 0;
    return order.options().quantum;
}

/// A replay that never gets on is a hang: whoever waits there spins, so the order does not see it.
void notice_standstill(Runtime& runtime, std::int64_t icount) {
    if (++qemu.gave_way % looks_at_clock != 0) return;
    timespec used{};
    real().clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    const Nanoseconds now = nanoseconds(used);
    if (qemu.gave_way == looks_at_clock) qemu.stands_since = now;
    const auto& participants = runtime.order().participants();
    const bool somebody_is_outside =
        std::any_of(participants.begin(), participants.end(),
                    [](const Participant& each) { return each.state == State::outside; });
    if (now - qemu.stands_since < longest_standstill || somebody_is_outside) return;
    runtime.end_instead_of_hanging(
        "standstill", "standstill: the replay does not get on: QEMU waits at guest instruction " +
                          std::to_string(icount) +
                          " for what the recording says comes next, and no thread brings it");
}

/// The round-robin thread is about to take the replay mutex, and holds no lock; it is not running the guest,
/// so the guest's progress may be read.
void note_progress(Runtime& runtime) {
    const std::int64_t icount = qemu.icount_get_raw();
    const std::int64_t done = icount - qemu.last_icount;
    qemu.last_icount = icount;
    if (done > 0) {
        qemu.idle_acquisitions = 0;
        qemu.gave_way = 0;
        if (!reported) return;
        // In a replay who waits for others comes round with nothing done.
        const Count more = *qemu.replay_mode == replay_mode_record ? spun(runtime.order(), done) : 0;
        runtime.order().advance(static_cast<Count>(done) + more, done * nanoseconds_per_instruction);
    } else if (++qemu.idle_acquisitions > most_idle_acquisitions) {
        qemu.idle_acquisitions = 0;
        if (*qemu.replay_mode == replay_mode_play) notice_standstill(runtime, icount);
        runtime.domain().give_way();
    }
}

}  // namespace

bool qemu_before_lock(Runtime& runtime, pthread_mutex_t* mutex) {
    if (qemu.replay_mutex_locked == nullptr) return true;
    QemuNotes& notes = thread_state.qemu;
    const bool replay_held = qemu.replay_mutex_locked();
    const bool big_lock_held = qemu.big_lock_held();
    const bool just_unlocked = notes.just_unlocked_big_lock;
    notes.held_replay_mutex = replay_held;
    notes.held_big_lock = big_lock_held;
    notes.just_unlocked_big_lock = false;

    // The main loop and the others may be stopped wherever they hold neither lock.
    if (thread_state.number == 0 || (!notes.round_robin && !qemu.in_vcpu_thread()))
        return !replay_held && !big_lock_held;
    if (!notes.round_robin) {
        notes.round_robin = true;
        runtime.order().set_role(thread_state.number, "rr");
        runtime.my_seat().bounded = true;
        // The main loop looks again at everything when its poll comes back, so it may come back with nothing.
        if (*qemu.replay_mode != 0) runtime.order().set_returns_early(0, true);
    }
    if (*qemu.replay_mode == 0) {
        // Nothing but the big lock: contended at any time in QEMU itself, so any place at which it is taken
        // will do.
        return !big_lock_held && just_unlocked;
    }
    if (mutex != qemu.replay_mutex) return false;
    if (replay_held) {  // about to release it
        notes.released_under_big_lock = big_lock_held;
        return false;
    }
    note_progress(runtime);
    // At the top of its loop; see qemu.hpp.
    return just_unlocked && !notes.released_under_big_lock;
}

bool qemu_may_stop() {
    if (qemu.replay_mutex_locked == nullptr) return true;
    return !thread_state.qemu.round_robin && !qemu.replay_mutex_locked() && !qemu.big_lock_held();
}

void qemu_before_unlock(pthread_mutex_t* mutex) {
    if (qemu.replay_mutex_locked == nullptr) return;
    QemuNotes& notes = thread_state.qemu;
    const bool replay_held = qemu.replay_mutex_locked();
    const bool big_lock_held = qemu.big_lock_held();
    if (qemu.replay_mutex == nullptr && replay_held != notes.held_replay_mutex) qemu.replay_mutex = mutex;
    if (qemu.big_lock == nullptr && notes.held_big_lock && !big_lock_held) qemu.big_lock = mutex;
    notes.just_unlocked_big_lock = mutex == qemu.big_lock;
    notes.held_replay_mutex = replay_held;
    notes.held_big_lock = big_lock_held;
}

bool qemu_waits_for_itself(Runtime& runtime) {
    const auto& participants = runtime.order().participants();
    bool waits = false;
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        if (state == State::outside || participants[number].suspended) return false;
        if (state != State::polling) continue;
        const Seat& seat = runtime.seat(number);
        const PollRequest* const request = seat.request;
        if (!seat.bounded || request == nullptr || request->count == 0) return false;
        const auto is_own = [](const pollfd& each) {
            return is_descriptor(each.fd, DescriptorKind::event_counter);
        };
        if (!std::all_of(request->descriptors, request->descriptors + request->count, is_own)) return false;
        waits = true;
    }
    return waits;
}

void qemu_before_wait() {
    thread_state.qemu.just_unlocked_big_lock = false;
}

}  // namespace escapement::preload
