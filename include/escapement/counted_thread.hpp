#pragma once
// A thread whose clock is a hardware count of its own progress, and that can be stopped at exact counts.
//
// Contract. `begin` makes the calling thread a counted one: from then on clock() grows by what the thread
// does itself, in user mode, and by nothing else: neither what signal handlers of this class do, nor what
// happens between pause() and resume(), however long that takes. A thread runs until its clock is exactly the
// target that was set; there, before the next instruction, at_boundary() of its listener is called in that
// thread's own context, as a signal handler is: it may let the thread wait there (hand the turn on) or run a
// function (a kick that was posted), and returns the next target.
//
//     struct Stop : BoundaryListener {
//         Count at_boundary(CountedThread& thread, const Boundary& here) override {
//             kick();                                  // always before the same instruction
//             return here.clock + 1'000'000;
//         }
//         void missed(CountedThread&, const Miss& miss) override { … }   // say so, and end: fail closed
//     };
//     CountedThread::install_handlers(signal);         // once a process
//     CountedThread thread(options, listener);
//     if (const auto begun = thread.begin(); !begun) …  // why not: explain()
//     thread.run_until(1'000'000);
//
// What cannot be stopped in the middle (stepper.hpp) is left whole: a boundary in it is met at its end, where
// `clock` is more than was asked for.
//
// A boundary costs a signal where the alarm lands on it, else a signal and a step for each count of the
// margin.
//
// Places. Clocks are exact relative to each other; where 0 is depends on the few instructions between begin()
// and the code of interest, which are the same in every run of the same binary.
//
// Units: counts of the clock's event (instructions, where `stepped`). Errors: values; a missed boundary is
// told to the listener. Thread safety: one thread, its own; `clock_from_elsewhere` from any. Signals: uses
// SIGTRAP and one more; those of others are passed on (on_signal() returns false). Sources: design.md,
// sections 2 to 4; rr (ATC 2017); kernel, arch/arm64/kernel/signal.c.

#include <escapement/boundary.hpp>
#include <escapement/counter.hpp>
#include <escapement/stepper.hpp>

#include <csignal>
#include <cstdint>
#include <optional>

namespace escapement {

class CountedThread;

struct CountedThreadOptions {
    bool stepped = false;  ///< the clock is the number of steps: exact everywhere, thousands of times slower
    EventCode clock;       ///< not used where `stepped`; the same for `alarm` and `margin`
    EventCode alarm;
    Count margin = 0;      ///< counts that the alarm may come late
    int alarm_signal = 0;  ///< as given to install_handlers()
};

/// Where a thread stands.
struct Boundary {
    Count clock = 0;
    std::uintptr_t address = 0;  ///< of the instruction that runs next
};

/// A boundary that was not met.
struct Miss {
    enum class Why : std::uint8_t {
        late,        ///< the alarm came after the boundary, or the clock jumped over it
        lost,        ///< the thread is past it, and no alarm came
        unreadable,  ///< the clock could not be read: `failure`
        no_step,     ///< the host refused a breakpoint to step by: `failure`
    };
    Why why = Why::late;
    Count target = 0;
    Boundary at;
    CounterFailure failure;
};

class BoundaryListener {
  public:
    BoundaryListener() = default;
    BoundaryListener(const BoundaryListener&) = delete;
    BoundaryListener& operator=(const BoundaryListener&) = delete;

    /// In a signal handler, on the thread, which stands at its target. Returns the next target: beyond
    /// `here.clock`, or no_boundary.
    virtual Count at_boundary(CountedThread& thread, const Boundary& here) = 0;
    /// Determinism is lost: say so and end. If it returns, the thread runs on without boundaries.
    virtual void missed(CountedThread& thread, const Miss& miss) = 0;

  protected:
    ~BoundaryListener() = default;
};

class CountedThread {
  public:
    CountedThread(const CountedThreadOptions& options, BoundaryListener& listener);
    CountedThread(const CountedThread&) = delete;
    CountedThread& operator=(const CountedThread&) = delete;
    ~CountedThread();

    /// Handlers for SIGTRAP and `alarm_signal`, which pass on what is not theirs to those that were there.
    static void install_handlers(int alarm_signal);
    /// For those who install handlers themselves: to be called first thing, in both. True if it was ours.
    static bool on_signal(int signal, const siginfo_t* information, void* context);

    /// Opens the counters of the calling thread; its clock begins at 0, paused. EINVAL: the handlers are not
    /// installed.
    tl::expected<void, CounterFailure> begin();
    /// Closes them; the thread is an ordinary one again. By the thread itself.
    void end();

    /// The next boundary; replaces the one before. Not before the clock. no_boundary: none.
    void run_until(Count target);
    /// From here on nothing counts, and no boundary comes.
    void pause();
    /// From here on it counts again, up to `target`.
    void resume(Count target);

    /// The thread's clock; while paused that at pause().
    [[nodiscard]] Count clock();
    /// About the same by another thread, while this one runs: it has the handlers' own counts in it.
    [[nodiscard]] tl::expected<Count, CounterFailure> clock_from_elsewhere() const;
    [[nodiscard]] Count target() const { return target_; }
    [[nodiscard]] bool paused() const { return paused_; }

    struct Statistics {
        std::uint64_t boundaries = 0;
        std::uint64_t alarms = 0;
        std::uint64_t steps = 0;
        Count latest = 0;  ///< the latest that an alarm came, in counts past what it was set for
    };
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }

  private:
    /// What signals and reads cost in counts of the clock, so that they can be left out of it.
    struct Costs {
        Count handler = 0;    ///< of a signal, but for what lies between the handler's two readings
        Count entry = 0;      ///< the part of it before the first reading
        Count extra_try = 0;  ///< of a reading that had to be made again, because a handler came between
        Count extra_try_of_page = 0;  ///< and because the kernel did
        Count alarm_exit = 0;         ///< alarm's counts from its setting in a handler to the program
    };
    struct Learning;

    void enter();  ///< signals of this thread are its from here on
    static void leave();

    /// A reading where the thread's own code ends, or where it begins again.
    enum class Side : std::uint8_t { entering, leaving };
    [[nodiscard]] Count raw(Count& again);
    [[nodiscard]] Count net(Side side, unsigned extra_tries = 0);
    bool handle(int signal, const siginfo_t& information, void* context);
    void come_closer(Count entry, void* context, bool alarmed, bool whole_step);
    void go_on(Count clock, void* context, bool whole_step);
    void stop_stepping(void* context);
    void step(Count clock, void* context);
    void set_alarm(Count clock, Count after, Count lost_before);
    void miss(Miss::Why why, const Boundary& at, CounterFailure failure = {});
    void kick() const;
    [[nodiscard]] bool learn();
    void learn_from_step(void* context, Count entry);
    void learn_from_alarm(Count clock);
    [[nodiscard]] Count learn_alarm_exit();

    CountedThreadOptions options_;
    BoundaryListener& listener_;
    std::optional<Counter> counter_;
    std::optional<Alarm> alarm_;
    std::optional<Stepper> stepper_;
    int thread_id_ = 0;
    Costs costs_;
    // Everything below is touched by this thread alone: by its code and by its handlers. Volatile, because
    // the compiler knows nothing of the handlers; no atomics, because there is no other thread.
    Learning* volatile learning_ = nullptr;
    volatile Count handlers_ = 0;   ///< raw counts of handlers so far
    volatile Count exit_ = 0;       ///< raw, the last handler's last reading
    volatile Count excluded_ = 0;   ///< net counts between pause() and resume() so far
    volatile Count paused_at_ = 0;  ///< net
    volatile Count stepped_ = 0;    ///< the net count where `stepped`
    volatile Count target_ = no_boundary;
    volatile Count alarm_at_ = 0;    ///< clock at which it was to come
    volatile Count step_from_ = 0;   ///< clock at which the step under way began
    volatile Count alarm_from_ = 0;  ///< clock at which it was set
    volatile bool alarm_set_ = false;
    volatile bool steps_only_ = false;  ///< an alarm came before the thread got on: none up to this boundary
    volatile bool paused_ = true;
    volatile bool resuming_ = false;
    volatile bool unreadable_ = false;
    Statistics statistics_;
};

}  // namespace escapement
