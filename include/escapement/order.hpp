#pragma once
// The order: who runs next in one domain, as a state machine.
//
// Contract. An Order knows no threads, no emulator and no operating system. Its host tells it what happens
// ("the participant with the turn locks mutex 7") and it answers who has the turn. Equal tellings give equal
// answers, whatever else the host is doing: that is the whole promise, and everything else in Escapement
// exists so that the tellings are equal.
//
// Only the participant with the turn runs, and only it tells the order anything; so an Order needs no lock,
// and a host that hands the turn on with acquire/release semantics needs none either. Every call below that
// speaks of "the caller" means current().
//
//     Order order({.policy = Policy::counted, .quantum = 1000});   // participant 0 exists and has the turn
//     const auto worker = order.create();                          // ready to run, with the creator's clock
//     order.lock(7);                                               // true: held, go on
//     if (!order.join(worker)) {                                   // false: it waits, the turn is free
//         const Decision next = order.decide();                    // {turn, worker}
//     }
//
// Units: clocks and quanta are counts, times are virtual nanoseconds since the domain began.
// Errors: misuse of this class is a defect of the host; it is not detected beyond assertions.
// Thread safety: none, see above.
//
// Sources: serial order by (clock, number) is Kendo's rule (Olszewski, Ansel, Amarasinghe, ASPLOS 2009)
// applied to the right to run instead of to locks; clocks that jump past the waker's are Lamport's (CACM
// 21(7), 1978).

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <string>
#include <vector>

namespace escapement {

using Count = std::uint64_t;
using Nanoseconds = std::int64_t;
using ParticipantNumber = std::uint32_t;

/// Names a lock, condition, semaphore or the like; chosen by the host, compared for equality only, so that
/// addresses, which differ from run to run, do not leak into the order.
using ObjectKey = std::uint64_t;

inline constexpr Nanoseconds no_deadline = std::numeric_limits<Nanoseconds>::max();
inline constexpr ParticipantNumber nobody = std::numeric_limits<ParticipantNumber>::max();

/// Which runnable participant goes next. (`free`, no order at all, needs no Order.)
enum class Policy : std::uint8_t {
    ticktock,  ///< strict alternation: every ordered operation hands the turn to the next number
    counted,   ///< the least (clock, number) goes first; a turn lasts until the participant waits or its
               ///< quantum is over
};

struct OrderOptions {
    Policy policy = Policy::counted;
    Count quantum = 1000;       ///< counts between a participant's boundaries; at least 1
    Count outside_quantum = 0;  ///< counts between looks for what polls wait for, unless expect_polls() was
                                ///< called; 0, or less than a quantum: a quantum
    Nanoseconds operation_ns = 100;  ///< virtual time that one ordered operation takes; at least 1
    bool waits_by_asking = false;    ///< see ask_time()
    std::pmr::memory_resource* memory = std::pmr::get_default_resource();
};

enum class State : std::uint8_t {
    running,  ///< has the turn
    ready,
    locking,  ///< waits for a mutex
    waiting,  ///< waits for wake() on an object: a condition, a semaphore, a futex
    polling,  ///< waits for its host to call poll_ready(): descriptors, children, signals
    joining,  ///< waits for a participant's end
    outside,  ///< runs unordered code without the turn until its host calls poll_ready()
    exited,
    released,  ///< exited, and its number may be given to another
};

/// How a wait ended.
enum class Wakeup : std::uint8_t {
    completed,
    timed_out,
    early,  ///< a poll that was sent back before anything happened; only with returns_early()
};

struct Participant {
    State state = State::ready;
    Wakeup wakeup = Wakeup::completed;
    bool returns_early = false;
    bool resting = false;    ///< gave way: goes last in the next decision
    bool suspended = false;  ///< see suspend()
    bool overdue =
        false;  ///< hands the turn on as soon as anybody else can go: see take_turn() and release()
    Count clock = 0;
    Count boundary = 0;
    Count resume_at = 0;     ///< locking: clock at which it goes on at least, once it holds the mutex
    Count since = 0;         ///< clock at which it began to wait
    std::uint32_t asks = 0;  ///< for the time, since it last waited
    Nanoseconds answer = std::numeric_limits<Nanoseconds>::min() / 2;  ///< the time that it was told last
    std::uint64_t wait_number =
        0;                 ///< place in the domain's sequence of waits: wake() is first come, first served
    ObjectKey object = 0;  ///< what it waits for: mutex, object, or number of the participant joined
    ObjectKey mutex = 0;   ///< to lock again after waiting; valid if depth is not 0
    const char* mutex_what = "mutex";  ///< what that is, in words
    std::uint32_t depth = 0;
    Nanoseconds deadline = no_deadline;
    const char* what = "";  ///< what it waits for, in words
    char role[24] = "";
};

/// What decide() found.
struct Decision {
    enum class Kind : std::uint8_t {
        turn,   ///< `participant` has the turn now
        idle,   ///< nobody can go on before `deadline`, or before something comes from outside
        stuck,  ///< nobody can ever go on: a deadlock
        over,   ///< everybody has ended
    };
    Kind kind = Kind::stuck;
    ParticipantNumber participant = nobody;
    Nanoseconds deadline = no_deadline;
};

struct OrderStatistics {
    std::uint64_t operations = 0;
    std::uint64_t switches = 0;    ///< turns that went to another participant
    std::uint64_t boundaries = 0;  ///< turns ended by a boundary
    std::uint64_t jumps = 0;       ///< jumps of virtual time over idle time
    Nanoseconds jumped_ns = 0;
};

/// The mutexes held just now, by key. Open addressing with linear probing and backward-shift deletion (Knuth,
/// TAOCP 3, 6.4, algorithm R): no memory is touched for a mutex that nobody holds, however many a program
/// has.
class HeldLocks {
  public:
    struct Lock {
        ObjectKey key = 0;
        ParticipantNumber owner = nobody;
        std::uint32_t depth = 0;
        Count since = 0;
    };
    explicit HeldLocks(std::pmr::memory_resource* memory);
    [[nodiscard]] Lock* find(ObjectKey key);
    [[nodiscard]] const Lock* find(ObjectKey key) const;
    void insert(const Lock& lock);
    void erase(Lock* lock);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool holds_any(ParticipantNumber owner) const;
    void keep_only(ParticipantNumber owner);

  private:
    [[nodiscard]] std::size_t home(ObjectKey key) const;
    std::pmr::vector<Lock> slots_;
    std::size_t size_ = 0;
};

class Order {
  public:
    explicit Order(const OrderOptions& options);

    // --- what the participant with the turn does
    // -------------------------------------------------------------------

    /// Counts `count` of the caller's own progress, which took `time` of virtual time.
    void advance(Count count, Nanoseconds time);

    /// Counts one ordered operation. Every operation below begins with this (its host calls it), so that
    /// clocks move on every host and no loop of operations stands still.
    void operation();

    /// The caller asks what time it is. With `waits_by_asking`, for clocks that do not see what is done
    /// between operations: a microsecond has passed since it last asked, at least, as on every real machine
    /// (programs divide by what has). And who has asked hundreds of times and not waited waits by asking, so
    /// while nobody else could go on time passes for it, at each asking more of it, up to 8,192 operations'
    /// worth; never far past another's deadline.
    void ask_time();

    /// True if the caller is to give the turn up before its next operation: it passed a boundary and another
    /// could go.
    [[nodiscard]] bool due() const;

    /// The caller stays runnable but gives up its turn: call decide().
    void yield();

    /// Like yield(), but the caller knows that it cannot get on before somebody else did something (it
    /// spins): everybody else goes first, and a poll that may return early does.
    void give_way();

    /// A new participant, ready to run. Its clock is the caller's. It gets the least number that is free.
    ParticipantNumber create();

    /// Nobody will ask for `participant` any more, which has ended (it was joined, or is detached) or could
    /// not begin: its number is free, unless it ended with a mutex held.
    void release(ParticipantNumber participant);

    /// The caller ends. Its turn is free: call decide().
    void exit();

    // The following return true if the caller goes on, false if it waits and its turn is free: call decide().
    // When it has the turn again, wakeup() says how the wait ended; unless it timed out, a lock asked for is
    // held. `what` and `mutex_what` are for the report; they outlive the wait.

    /// A `recursive` mutex that the caller holds is locked once more; any other that it holds is waited for,
    /// for ever.
    [[nodiscard]] bool lock(ObjectKey mutex, bool recursive = false, Nanoseconds deadline = no_deadline,
                            const char* what = "mutex");
    /// True if the caller holds `mutex` now, by this call.
    [[nodiscard]] bool try_lock(ObjectKey mutex, bool recursive = false);
    /// Never waits. Unlocking what the caller does not hold changes nothing and returns false.
    bool unlock(ObjectKey mutex);
    /// `mutex` is free, whoever holds it: its memory is another mutex now.
    void forget(ObjectKey mutex);
    /// Waits for wake(object).
    void wait(ObjectKey object, const char* what, Nanoseconds deadline = no_deadline);
    /// Unlocks `mutex`, waits for wake(object), locks `mutex` again as deep as it was, also after a time-out.
    void wait(ObjectKey object, const char* what, ObjectKey mutex, Nanoseconds deadline = no_deadline,
              const char* mutex_what = "mutex");
    /// Wakes up to `count` participants that wait for `object`, in the order in which they began to; returns
    /// how many.
    std::size_t wake(ObjectKey object, std::size_t count);
    /// Wakes the first `wake_count` waiters of `from`; the next `move_count` wait for `to` instead, in the
    /// place that their wait's beginning gives them there. Returns how many were woken or moved.
    std::size_t requeue(ObjectKey from, std::size_t wake_count, ObjectKey to, std::size_t move_count);
    /// Waits for the host to say poll_ready(), which it does when asked before a decision.
    void poll(const char* what, Nanoseconds deadline = no_deadline);
    /// Waits until `deadline` has come.
    void sleep(Nanoseconds deadline);
    [[nodiscard]] bool join(ParticipantNumber participant, Nanoseconds deadline = no_deadline);
    /// Leaves the order for a while; comes back by poll_ready().
    void leave(const char* what);

    // --- decisions
    // -------------------------------------------------------------------------------------------------

    /// True if the host is to say which polls are ready before it calls decide(): nobody else could go on, it
    /// is a quantum (see outside_quantum) since it was last asked, or a poll would time out.
    [[nodiscard]] bool polls_due() const;
    /// The host has looked at all polls; the next look is due in a quantum.
    void polls_seen();
    /// The participant with the turn does what somebody's poll may be waiting for: a look is due a quantum
    /// after the last, however seldom what comes from outside is looked for.
    void expect_polls();
    /// What `participant` polled for is there (or: it is back from outside).
    void poll_ready(ParticipantNumber participant);
    /// `participant` does something now that others have to help it with, and cannot use the turn before: it
    /// does not get it until resume(). What it waits for may come meanwhile. If it has the turn, it has not
    /// begun to use it, and gives it back: call decide().
    void suspend(ParticipantNumber participant);
    void resume(ParticipantNumber participant);
    [[nodiscard]] bool anybody_suspended() const { return suspended_ != 0; }
    /// Who goes next. Not to be called while somebody has the turn.
    Decision decide();
    /// The host has something to do at `time`, which may let a poll go on: idle time ends there.
    /// `helps_anybody`: it may let go on who waits for another participant as well, so nobody is stuck
    /// before.
    void set_alarm(Nanoseconds time, bool helps_anybody = false) {
        alarm_ = time;
        alarm_helps_anybody_ = helps_anybody;
    }
    [[nodiscard]] Nanoseconds alarm() const { return alarm_; }
    /// Virtual time jumps to `deadline`, over time in which nobody could do anything.
    void jump_to(Nanoseconds deadline);
    /// Idle time passed outside, less than up to a deadline.
    void idle_time(Nanoseconds time);

    // --- what is known
    // ---------------------------------------------------------------------------------------------

    [[nodiscard]] ParticipantNumber current() const { return current_; }
    [[nodiscard]] Nanoseconds now() const { return now_; }
    [[nodiscard]] Wakeup wakeup(ParticipantNumber participant) const {
        return participants_[participant].wakeup;
    }
    [[nodiscard]] const std::pmr::vector<Participant>& participants() const { return participants_; }
    [[nodiscard]] const HeldLocks& held_locks() const { return held_; }
    [[nodiscard]] ParticipantNumber holder(ObjectKey mutex) const;
    [[nodiscard]] const OrderStatistics& statistics() const { return statistics_; }
    [[nodiscard]] const OrderOptions& options() const { return options_; }
    /// True if some participant other than the caller could go on.
    [[nodiscard]] bool anybody_else_runnable() const;
    /// True if some participant other than the caller could go on, or waits for a time.
    [[nodiscard]] bool others_want_the_turn() const;

    [[nodiscard]] bool anybody_polls() const;
    /// True if there is no participant but the caller.
    [[nodiscard]] bool alone() const;

    void set_role(ParticipantNumber participant, const char* role);
    /// `participant`'s polls may be sent back with nothing ready when somebody gives way to it.
    void set_returns_early(ParticipantNumber participant, bool returns_early);
    /// What a child process keeps of its parent's order: the caller, alone, with its clock and its locks.
    void after_fork();

    /// Who waits for what, held by whom, since which clock: a line for each participant that has not ended.
    [[nodiscard]] std::string stall_report() const;

  private:
    [[nodiscard]] bool runnable(const Participant& participant) const;
    [[nodiscard]] bool wait_is_over(const Participant& participant) const;
    [[nodiscard]] ParticipantNumber pick_counted() const;
    [[nodiscard]] ParticipantNumber pick_ticktock();
    [[nodiscard]] ParticipantNumber pick_early_return() const;
    void take_turn(ParticipantNumber number);
    void release(HeldLocks::Lock* lock);
    [[nodiscard]] std::vector<ParticipantNumber> waiters_of(ParticipantNumber holder_number) const;
    void begin_wait(State state, ObjectKey object, const char* what, Nanoseconds deadline);
    void make_ready(Participant& participant, Wakeup wakeup, Count clock_at_least);
    void expire_deadlines();
    [[nodiscard]] Participant& self() { return participants_[current_]; }
    [[nodiscard]] const Participant& self() const { return participants_[current_]; }

    OrderOptions options_;
    std::pmr::vector<Participant> participants_;
    HeldLocks held_;
    ParticipantNumber current_ = 0;
    ParticipantNumber last_ = 0;  ///< who had the turn last; the caller's clock counts for what it made ready
    Nanoseconds now_ = 0;
    Nanoseconds alarm_ = no_deadline;
    bool alarm_helps_anybody_ = false;
    Count since_polls_ = 0;  ///< counts of all participants since the host was last asked for polls
    bool polls_expected_ = false;
    std::uint64_t waits_ = 0;
    ParticipantNumber suspended_ = 0;  ///< how many are
    OrderStatistics statistics_;
};

}  // namespace escapement
