#pragma once
// The one domain of a process that was never changed, and the host that it runs on.

#include "counting.hpp"
#include "kept_signals.hpp"
#include "outside_input.hpp"
#include "real.hpp"
#include "recording.hpp"
#include "seat.hpp"
#include "settings.hpp"
#include "stack_leftovers.hpp"
#include "thread_state.hpp"

#include <escapement/domain.hpp>
#include <escapement/journal.hpp>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <new>

namespace escapement::preload {

/// Why a run is not reproducible.
struct Incident {
    ParticipantNumber participant = nobody;
    std::uintptr_t address = 0;
    const char* reason = "";
    const char* what = nullptr;  ///< what it waited for, if that is the reason
};

class Runtime final : public Host {
  public:
    static constexpr ParticipantNumber seats_per_block = 64;
    static constexpr ParticipantNumber most_blocks = 1024;
    static constexpr std::size_t most_incidents = 16;

    explicit Runtime(const Settings& settings, const OrderOptions& options);

    [[nodiscard]] Domain& domain() { return domain_; }
    [[nodiscard]] Order& order() { return domain_.order(); }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    /// The seat of `number`, made if need be; by the participant with the turn.
    [[nodiscard]] Seat& seat(ParticipantNumber number);
    [[nodiscard]] Seat& my_seat() { return seat(thread_state.number); }

    /// Where there is a journal: what is outside at the beginning. Real time begins when it says.
    void begin_outside();
    /// Virtual (or real) nanoseconds since the domain began, up to date.
    [[nodiscard]] Nanoseconds now();
    /// now(), for a program that asks (Order::ask_time()).
    [[nodiscard]] Nanoseconds ask_time();
    /// The same from a thread that may not have the turn.
    [[nodiscard]] Nanoseconds now_unordered() const;
    [[nodiscard]] timespec time_of(clockid_t clock, Nanoseconds now) const;
    [[nodiscard]] Nanoseconds deadline_of(clockid_t clock, const timespec& time);
    [[nodiscard]] Nanoseconds deadline_in(const timespec& time);

    /// Before an ordered operation on `object` (which may be none): counts it; hands the turn on if that is
    /// due and `may_yield`.
    void operation(OperationKind kind, const volatile void* object, bool may_yield = true);
    /// The same on a descriptor, without handing the turn on. What it is, where there is a
    /// journal (outside_input.hpp).
    DescriptorFacts operation_on(OperationKind kind, int descriptor);
    /// The caller is at a boundary of its clock: hands the turn on if that is due.
    void boundary();
    /// After an order call that freed the turn.
    Wakeup pass_turn();
    /// Forgets the handlers that ran: from here on they end the caller's wait.
    void expect_signals();
    /// Polls for `request`; false if it timed out. `signalled` tells if a handler ran since expect_signals().
    bool poll(const char* what, PollRequest& request, Nanoseconds deadline, bool& signalled);

    /// Goes on without the turn. For waits of which nobody can tell when they end.
    void leave(const char* what);
    /// Comes back: waits for the turn.
    void arrive();
    /// The caller's end as a participant.
    void exit();
    /// Whoever has been given the turn: waits until a thread that left the order has really ended.
    void await_departure();
    /// A handler runs on this thread; `restarts`: calls that it interrupts are to go on.
    void note_signal(bool restarts, bool from_outside);
    /// Something that is waited for may have come without an operation: whoever is idle looks again.
    void kick_idler();
    /// In a child process: the caller is alone.
    void after_fork();
    /// Starts the keeper, once there is more than one participant. 0, or why there can be no more threads.
    int start_keeper();

    void add_incident(const Incident& incident);
    [[nodiscard]] std::size_t incidents() const { return incident_count_.load(std::memory_order_acquire); }
    [[nodiscard]] const Incident& incident(std::size_t index) const { return incidents_[index]; }
    /// The host's monotonic clock.
    [[nodiscard]] std::int64_t host_ns() const;
    /// How long the holder in `seat` has had its turn.
    [[nodiscard]] std::int64_t turn_so_far_ns(const Seat& seat) const {
        return host_ns() - seat.turn_began_ns;
    }
    /// Moves with every ordered operation; for the keeper.
    [[nodiscard]] std::uint64_t heartbeat() const { return heartbeat_.load(std::memory_order_relaxed); }
    [[nodiscard]] ParticipantNumber holder() const { return holder_.load(std::memory_order_relaxed); }
    /// True if the caller, who has the turn, keeps it from somebody, or may: whoever polls may have got what
    /// it polls for.
    [[nodiscard]] bool others_want_the_turn();
    /// Decides for those who went outside without deciding; the keeper's work.
    void decide_for_others();
    /// The same where the turn has been taken from `last`.
    void decide_after(ParticipantNumber last);
    [[nodiscard]] ParkingPlace& keeper_place() { return keeper_place_; }
    [[nodiscard]] bool decision_wanted() {
        return decision_wanted_.exchange(false, std::memory_order_acquire);
    }

    // Host:
    Nanoseconds time_passed(Nanoseconds now) override;
    bool poll_ready(ParticipantNumber participant) override;
    void hand_over(ParticipantNumber from, ParticipantNumber to) override;
    IdleEnd idle(Nanoseconds now, Nanoseconds deadline) override;
    void stuck(const Order& order) override;
    /// Says `what`, and who waits for whom, and ends the process; `incident` is its name in the statistics.
    /// The caller has the turn, or nobody.
    void end_instead_of_hanging(const char* incident, const std::string& what);

  private:
    void count_operation(bool may_yield);
    void let_go_on(ParticipantNumber to);
    [[nodiscard]] bool has_come(ParticipantNumber participant);
    [[nodiscard]] IdleEnd wait_idle(Nanoseconds now, Nanoseconds deadline);

    Settings settings_;
    Domain domain_;
    std::int64_t began_ns_ = 0;         ///< host's monotonic clock when the domain began
    Nanoseconds base_realtime_ns_ = 0;  ///< CLOCK_REALTIME at virtual time 0
    Nanoseconds base_monotonic_ns_ = 0;
    std::atomic<Seat*> blocks_[most_blocks] = {};
    std::atomic<ParticipantNumber> holder_{0};
    std::atomic<std::uint64_t> heartbeat_{0};
    std::atomic<Nanoseconds> published_now_{
        0};                        ///< for readers without the turn; relaxed: any recent value will do
    ParticipantNumber left_ = 0;   ///< who left the order last
    pid_t departing_ = 0;          ///< a thread on its way out; of the participant with the turn
    std::atomic<pid_t> idler_{0};  ///< thread that waits for the outside; see Seat::signalled
    std::atomic<bool> decision_wanted_{
        false};  ///< release by who left, acquire by the keeper: it carries the turn
    ParkingPlace keeper_place_;
    bool keeper_started_ = false;
    Nanoseconds waited_for_itself_ = 0;  ///< QEMU did (qemu.hpp); the host's time
    bool gives_way_ = false;
    Incident incidents_[most_incidents];
    std::atomic<std::size_t> incident_count_{0};
};

enum class Mode : std::uint8_t { unstarted, ordering, aside };

extern constinit std::atomic<Mode> mode;

/// The process's runtime. Only where mode is `ordering`.
Runtime& runtime();
/// Begins, at the first call of anything of ours.
void start();
/// There is none left for something that the order cannot do without: says so, and ends the process.
[[noreturn]] void end_without_memory(const char* line);

/// The signal by which the keeper speaks to a thread. Nothing uses it: it was for a coprocessor's stack
/// (signal(7)).
inline constexpr int keeper_signal = 16;

/// One visit of a program's thread to this library.
class Entry {
  public:
    [[gnu::always_inline]] Entry() {
        if (mode.load(std::memory_order_relaxed) == Mode::unstarted) [[unlikely]]
            start();
        ordered_ = thread_state.number != nobody && thread_state.inside == 0 &&
                   mode.load(std::memory_order_relaxed) == Mode::ordering;
        if (!ordered_) return;
        thread_state.inside = 1;
        // Inlined into what the program called, or into what is inlined there.
        thread_state.caller = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
        if (counting) [[unlikely]]
            paused_ = pause_counting();
        if (thread_state.cancelled_anywhere) [[unlikely]]
            real().pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, nullptr);
        if (thread_state.outside) [[unlikely]] {
            runtime().arrive();
            if (paused_) forget_progress();
        } else if (paused_) {
            report_progress();
        }
        if (keeps_signals) [[unlikely]] {
            ++thread_state.visits;
            take_signals_between_operations();
        }
    }
    ~Entry() {
        if (!ordered_) return;
        if (journaling != Journaling::off) [[unlikely]]
            clear_stack_leftovers();
        if (paused_) [[unlikely]]
            resume_counting();
        thread_state.inside = 0;
        if (thread_state.cancelled_anywhere) [[unlikely]]
            real().pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    /// False: do what the real function does, and nothing else.
    [[nodiscard]] bool ordered() const { return ordered_; }

  private:
    bool ordered_ = false;
    bool paused_ = false;  ///< its clock, by this visit
};

/// An ordered visit to a point of cancellation (pthreads(7)). What the library itself calls meanwhile must
/// not act on a cancellation, which would end the thread in the middle of the visit: until it is over,
/// cancelling is off. The caller acts on it then, by pthread_testcancel(3).
class CancellationPoint {
  public:
    CancellationPoint() {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
        runtime().my_seat().cancellable = before_ == PTHREAD_CANCEL_ENABLE;
    }
    ~CancellationPoint() {
        runtime().my_seat().cancellable = false;
        pthread_setcancelstate(before_, nullptr);
    }
    CancellationPoint(const CancellationPoint&) = delete;
    CancellationPoint& operator=(const CancellationPoint&) = delete;

  private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

/// While it lives the caller runs without the turn, in a call that nobody can tell the end of. A cancellation
/// may end the thread there: then its cleanup handlers come back by their own operations.
class Outside {
  public:
    explicit Outside(const char* what)
        : left_(!runtime().order().alone()), cancellable_(runtime().my_seat().cancellable), what_(what) {
        if (left_) runtime().leave(what);
        thread_state.inside = 0;
        if (cancellable_) pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    }
    ~Outside() {
        if (cancellable_) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        thread_state.inside = 1;
        if (!left_) return;
        runtime().arrive();
        if (journaling == Journaling::replay) return;  // it came when the journal says
        // Never silently: its place among the others' operations is the host's choice.
        runtime().add_incident({.participant = thread_state.number,
                                .reason = "came back into the order when the host let it, having waited for ",
                                .what = what_});
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

  private:
    bool left_;  ///< who is alone keeps nobody waiting
    bool cancellable_;
    const char* what_;
};

inline ObjectKey key_of(const volatile void* object) {
    return static_cast<ObjectKey>(reinterpret_cast<std::uintptr_t>(object));
}

}  // namespace escapement::preload
