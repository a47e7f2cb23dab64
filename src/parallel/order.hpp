#pragma once
// The parallel order: participants run at once, and meet in the order of (clock, number).
//
// Contract. An operation is carried out when nobody can come before it any more: when every other
// participant's *bound* is past its ticket. So no two operations are ever carried out at once, and who is in
// turn may change what is shared without a lock. Unlocking alone is not waited for: it concerns only those
// who stand in the lock's queue, and these have had their turn; nor is locking what is reserved to who locks
// it (reservation.cpp), which nobody in turn touches meanwhile. A lock goes to requests in the order of their
// tickets, and whoever gets it goes on at the unlocking's clock plus one at least.
//
// Why a cut of bounds stays true. Whoever is woken continues past its waker's clock, which is not before its
// waker's bound; so the least of all bounds never falls, and a participant that once saw how far everybody
// else was (its *horizon*) need not look again until it gets there. Only whom it woke itself may come
// earlier: then it lowers its horizon. A look without the latch is repeated if somebody was woken meanwhile
// (`wakeups_`): the woken one's bound falls, and might have been read before and its waker's after.
//
// Who waits for its turn leaves its request, and the least pending ticket as `watch` with the one that is
// furthest behind; the owner of that bound compares, and carries out what it has let through. A look and a
// watch cross as in Dekker's algorithm, hence sequentially consistent accesses there. Where the next report
// is near they are not: a watch that is missed then is seen by that.
//
// A bound may lag behind its owner's clock. Small progress is kept back until somebody asks for it, or until
// the owner may wait itself: each report takes the bound's cache line from those who look at it.
//
// Thread safety: each call is made by the seat's own thread, but for those that say otherwise.

#include "objects.hpp"

#include <algorithm>
#include <array>
#include <mutex>

namespace escapement::parallel {

struct Options {
    Count quantum = 1'000'000;
    bool free = false;  ///< no order: everything is carried out as it comes
    unsigned cpus = 1;
    // With a CPU for each participant: how long to wait awake, for a turn, and for somebody else's doing. A
    // turn comes soon, and a sleep and a wake-up take 100 us where a CPU's rest has to be ended by a
    // hypervisor.
    std::int64_t spin_ns = 200'000;
    std::int64_t blocked_spin_ns = 20'000;
    unsigned steps_back = 16;           ///< else: how often to let others go first before sleeping
    std::uint64_t reserves_after = 16;  ///< lockings in a row, until a mutex is reserved
    unsigned most_kept = 256;           ///< lockings of what is reserved before a witness is told in turn
};

/// Participants a CPU, with more than which before one it does not wait awake.
inline constexpr unsigned crowd = 4;

/// Counts that a round has at most: so long may somebody wait for a mutex that is reserved to another.
inline constexpr Count longest_round = 100'000;

/// Lockings in a row that are asked for at most: what a round costs whoever comes is little for so many.
inline constexpr std::uint64_t longest_streak = 4096;

/// Told of what is carried out, in turn: before anybody can come after it. So it is never told two things at
/// once. False: the order ends here, and all waits as stalled.
class Witness {
  public:
    [[nodiscard]] virtual bool carried_out(const Seat& seat, const Request& request, Count clock,
                                           std::int64_t result) = 0;
    /// Not in turn, but by `seat`, or for it while it waits: it asked at `clock` for what is reserved to it.
    /// No more than most_kept of them are between two that it carries out.
    virtual void kept(const Seat& seat, const Mutex& mutex, Count clock) = 0;
    /// `by` may be null.
    [[nodiscard]] virtual bool admitted(const Seat& seat, const Seat* by) = 0;
    [[nodiscard]] virtual bool withdrawn(const Seat& seat, const Seat* by) = 0;
    /// It has said false, or would.
    [[nodiscard]] virtual bool over() const = 0;

  protected:
    ~Witness() = default;
};

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what is written lies apart from what is read
class Order {
  public:
    explicit Order(const Options& options);

    /// A new seat, at `by`'s clock if there is one. Null: too many. Ordered if `by` is given.
    Seat* admit(const char* role, Seat* by);
    /// A seat that nobody has taken is free again.
    Outcome withdraw(Seat& seat, Seat* by);
    /// The seat's thread goes without having left: `say` gets the report, and all waits end as stalled.
    void abandon(Seat& me, const std::function<void(const std::string&)>& say);
    [[nodiscard]] Outcome lock(Seat& me, Mutex& mutex, Count deadline = no_clock);
    [[nodiscard]] Outcome try_lock(Seat& me, Mutex& mutex);
    /// lock() where neither turn nor lock has to be waited for. False: nothing was done.
    [[nodiscard]] bool lock_at_once(Seat& me, Mutex& mutex);
    void unlock(Seat& me, Mutex& mutex);
    Outcome request(Seat& me, const Request& request);
    void advance(Seat& me, Count counts) {
        me.clock += counts;
        if (me.clock < me.promised) return;
        const Ticket bound = bound_of(me);
        const bool little = me.clock - me.published < kept_back;
        if (little && bound <= me.watch.load(std::memory_order_relaxed) &&
            bound <= me.asked.load(std::memory_order_relaxed))
            return;
        publish(me, counts < kept_back);
    }
    void promise(Seat& me, Count counts);
    /// True if the clock has come to a boundary.
    [[nodiscard]] static bool at_boundary(const Seat& me) { return me.clock >= me.boundary; }
    /// Waits while the caller is more than a quantum ahead; sets the next boundary.
    void pass_boundary(Seat& me);

    /// Carries out `action` in the caller's turn.
    template <typename Action>
    Outcome in_turn(Seat& me, Action&& action);
    /// The caller goes outside until come_back(); `limit`: the clock of its deadline.
    void go_outside(Seat& me, Count limit);
    /// True if the deadline is there: nobody can come before it.
    bool come_back(Seat& me, Count clock_at_least);

    /// With the latch.
    [[nodiscard]] std::string report();
    /// Ends all waiting. With the latch.
    void end_all();
    /// True if nobody but the caller runs.
    [[nodiscard]] bool idle(const Seat& me);
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] SharedLatch& latch() { return latch_; }
    [[nodiscard]] Seat& seat(ParticipantNumber number) { return seats_[number]; }
    [[nodiscard]] ParticipantNumber seats() const { return count_.load(std::memory_order_acquire); }
    std::uint64_t jumps = 0;

    Witness* witness = nullptr;  ///< may be null

    /// Nobody can go on. Called with the latch; afterwards everybody's wait ends as stalled.
    std::function<void(const std::string&)> stuck;
    /// The thread of an outside seat is to come back. Any thread, with the latch.
    std::function<void(Seat&)> ring = [](Seat&) {};

  private:
    /// Who is to be unparked, once the latch is free again.
    struct Woken {
        std::array<std::uint64_t, (most_seats + 63) / 64> numbers{};  ///< a bit each
        void add(ParticipantNumber number) { numbers.at(number / 64) |= std::uint64_t{1} << (number % 64); }
    };
    [[nodiscard]] static Ticket bound_of(const Seat& me) {
        return ticket_of(std::max(me.clock + 1, me.promised), me.number);
    }
    /// What the bounds of the others are, at one moment.
    struct View {
        Ticket least = never;
        Seat* behind = nullptr;  ///< who has it; null: nobody
        unsigned before = 0;     ///< how many are not past the ticket that was asked for
    };
    [[nodiscard]] View look(const Seat& me, Ticket ticket) const;
    /// Waits, as long as that can be done awake, until all others are past `until`. `ticket`: of the
    /// operation.
    [[nodiscard]] bool all_come_past(Seat& me, Ticket until, Ticket ticket);
    [[nodiscard]] bool comes_to_turn(Seat& me, Ticket ticket) { return all_come_past(me, ticket, ticket); }
    [[nodiscard]] bool may_spin() const { return present_.load(std::memory_order_relaxed) <= options_.cpus; }
    [[nodiscard]] Outcome stop(Seat& me);
    /// Its participant has gone. With the latch.
    void vacate(Seat& seat);
    /// Tells the witness of what is carried out in turn at `clock`.
    [[nodiscard]] bool told(Seat& seat, const Request& request, Count clock, std::int64_t result);
    [[nodiscard]] bool told(Seat& seat, std::int64_t result = 0);
    void keep(Seat& me, const Mutex& mutex, Count clock) {
        ++me.kept;
        witness->kept(me, mutex, clock);
    }
    /// True if a locking at `clock` need not be told in turn: whenever it is asked, in turn or in a round to
    /// which all others have come, and so in every run.
    [[nodiscard]] bool may_keep(const Seat& seat, const Mutex& mutex, Count clock) const {
        const Ticket of = mutex.reservation.of.load(std::memory_order_relaxed);
        return number_of(of) == seat.number && holds(seat, of, clock) && seat.kept < options_.most_kept;
    }
    /// The next operation's ticket is the bound that has been published.
    static void begin(Seat& me) {
        ++me.clock;
        ++me.operations;
    }
    void publish(Seat& me, bool soon_again = false);
    void publish(Seat& me, Ticket bound, bool soon_again);
    void pass_watch(Seat& me);
    void unlock_queued(Seat& me, Mutex& mutex);
    [[nodiscard]] bool take(Mutex& mutex, Seat& seat);
    /// Asked in turn.
    [[nodiscard]] bool reserved_to_other(const Seat& me, const Mutex& mutex, Count clock) const {
        const Ticket of = mutex.reservation.of.load(std::memory_order_relaxed);
        return of != never && number_of(of) != me.number && holds(seats_[number_of(of)], of, clock);
    }
    /// And all others have come to the round of `clock`, so that nobody in turn changes that before its end.
    [[nodiscard]] bool reserved_to(const Seat& me, const Mutex& mutex, Count clock) const {
        // Whoever is in turn may be writing another's number over another's.
        const Ticket of = mutex.reservation.of.load(std::memory_order_relaxed);
        return number_of(of) == me.number && round_begins(clock) < me.horizon && holds(me, of, clock);
    }
    /// A reservation, of the seat's, in the round of `clock`.
    [[nodiscard]] bool holds(const Seat& seat, Ticket of, Count clock) const;
    /// After everything that is done at the clock at which the round of `clock` begins.
    [[nodiscard]] Ticket round_begins(Count clock) const {
        return ticket_of(clock / round_ * round_, most_seats);
    }
    /// True if the mutex may be the caller's, and all others have come to the round in which it locks it.
    [[nodiscard]] bool waits_for_round(Seat& me, Mutex& mutex);
    /// In turn: `seat` asks for `mutex`, and whether it gets it at once is up to the host. Once for each
    /// lock.
    void note_asked(Seat& seat, Mutex& mutex, Count clock) {
        const Ticket of = mutex.reservation.of.load(std::memory_order_relaxed);
        if (number_of(of) != seat.number || clock_of(of) < seat.reservations_from)
            count_streak(seat, mutex, clock);
    }
    void count_streak(Seat& seat, Mutex& mutex, Count clock);
    /// False: the request, which is in turn, is put off to the next round.
    [[nodiscard]] bool passes_reservation(Seat& seat);
    void settle();
    void settle_free();
    [[nodiscard]] bool let_go_held_back(Ticket least);
    void note_stall();
    void perform(Seat& seat);
    void perform_lock(Seat& seat);
    void perform_release(Meeting& meeting, std::uint64_t amount, Seat& by);
    void enter_queue(Seat& seat, Queue& queue);
    void expire(Seat& seat);
    void hand_on(Mutex& mutex, Ticket ticket, Seat& by);
    void resume(Seat& seat, Count clock_at_least, Seat& by);
    void complete(Seat& seat, Outcome outcome);
    [[nodiscard]] Woken take_woken();
    void wake(const Woken& woken, const Seat* but);
    /// Awake again: leaves a CPU that another participant needs. Where the host's scheduler knows of no cache
    /// that two CPUs share, it leaves who is woken where the waker is, and the two would go on one at a time.
    void take_own_cpu(Seat& me);
    void wait_in_real_time(Seat& me, std::int64_t deadline);
    void wait(Seat& me, Count deadline);
    [[nodiscard]] std::string describe(const Seat& seat) const;

    // Read by everybody, and hardly ever written.
    alignas(apart) Options options_;
    Count round_ = 1;
    Shared<ParticipantNumber> count_{0};
    Shared<unsigned> present_{0};
    std::vector<Seat> seats_;
    alignas(apart) Shared<std::uint64_t> wakeups_{0};
    // With the latch.
    alignas(apart) SharedLatch latch_;
    Woken woken_;
    Queue sleepers_;  ///< without order: who sleeps
    bool stalled_ = false;
};

inline void Order::publish(Seat& me, Ticket bound, bool soon_again) {
    me.published = me.clock;
    if (me.asked.load(std::memory_order_relaxed) < bound) me.asked.store(never, std::memory_order_relaxed);
    if (soon_again || present_.load(std::memory_order_relaxed) == 1) {
        // Whoever has just asked to be told may be missed; then the next report tells. Who is alone admits
        // others itself. The release pairs with the acquire in look().
        me.bound.store(bound, std::memory_order_release);
        if (bound > me.watch.load(std::memory_order_relaxed)) pass_watch(me);
    } else {
        // Pairs with settle(), which sets the watch and then looks at the bound.
        me.bound.store(bound, std::memory_order_seq_cst);
        if (bound > me.watch.load(std::memory_order_seq_cst)) pass_watch(me);
    }
}

inline void Order::publish(Seat& me, bool soon_again) {
    publish(me, bound_of(me), soon_again);
}

inline bool Order::lock_at_once(Seat& me, Mutex& mutex) {
    if (options_.free) return false;
    const Count clock = me.clock + 1;
    if (witness != nullptr) {
        if (round_begins(clock) >= me.horizon || !may_keep(me, mutex, clock) || witness->over()) return false;
    } else if (ticket_of(clock, me.number) < me.horizon) {
        if (reserved_to_other(me, mutex, clock)) return false;
    } else if (!reserved_to(me, mutex, clock)) {
        return false;
    }
    // Only who is in turn takes what is free, or whom it is reserved to; the acquire pairs with the release
    // in unlock().
    if (mutex.word.load(std::memory_order_acquire) != Mutex::free) return false;
    begin(me);
    if (witness != nullptr) keep(me, mutex, clock);
    note_asked(me, mutex, clock);
    me.clock = std::max(me.clock, clock_of(mutex.released) + 1);
    // Seen by whoever is in turn next, which the release of the bound lets it be.
    mutex.word.store(Mutex::held, std::memory_order_relaxed);
    mutex.holder.store(&me, std::memory_order_relaxed);
    mutex.since.store(me.clock, std::memory_order_relaxed);
    publish(me, true);  // unlocking is the next report
    return true;
}

inline void Order::unlock(Seat& me, Mutex& mutex) {
    begin(me);
    mutex.released = ticket_of(me.clock, me.number);
    mutex.holder.store(nullptr, std::memory_order_relaxed);
    std::uint32_t held = Mutex::held;
    if (!mutex.word.compare_exchange_strong(held, Mutex::free, std::memory_order_release))
        unlock_queued(me, mutex);
    publish(me);
}

template <typename Action>
Outcome Order::in_turn(Seat& me, Action&& action) {
    begin(me);
    const Ticket ticket = ticket_of(me.clock, me.number);
    if (!comes_to_turn(me, ticket)) {
        --me.clock;
        --me.operations;
        const Outcome outcome = request(me, {.kind = Kind::point});
        // Carried out, but the action is still to come: nobody passes the caller's bound before it is done.
        if (outcome != Outcome::completed) return outcome;
    }
    action();
    if (witness != nullptr && witness->over()) return stop(me);
    publish(me);
    return Outcome::completed;
}

}  // namespace escapement::parallel
