#pragma once
// Calibration: from single measurements to a profile.
//
// Contract. `calibrate` decides what to measure, how often and what follows; a Workbench performs one
// measurement at a time and decides nothing. So the whole of it can be run against simulated counters with
// injected defects, and the verdict must follow from what they do.
//
// Everything a Workbench is asked happens on the calling thread, on the core it was last sent to.
//
// Errors: a measurement that the host refuses is a sentence (explain() in event.hpp); it becomes part of the
// profile, not the end of the calibration. Thread safety: one thread.

#include <escapement/known_code.hpp>
#include <escapement/profile.hpp>

#include <functional>
#include <memory>

namespace escapement {

enum class Disturbance : std::uint8_t {
    page_fault,
    timer_interrupt,
    system_call,
    signal,
    context_switch,
    migration
};
const char* to_string(Disturbance cause);

enum class ReadWay : std::uint8_t { user_space, call, elsewhere };

class Workbench {
  public:
    template <typename T>
    using Result = tl::expected<T, std::string>;

    struct Core {
        std::string type;
        std::vector<unsigned> cpus;
    };
    /// A piece of known code, counted.
    struct CodeCount {
        Count counted = 0;
        std::int64_t again = 0;  ///< times that the code had to begin again
    };
    /// A stretch of work, counted while something is provoked. What the thread itself executes must count the
    /// same whatever was asked for (a page is touched that is there, or is not; instructions of a signal's
    /// handler are left out): what differs in `counted` is then what `occurrences` add.
    struct DisturbedCount {
        Count counted = 0;
        std::uint64_t occurrences = 0;  ///< how often the cause really came
    };
    struct AlarmSample {
        bool came = false;
        std::int64_t late = 0;  ///< counts of the clock at delivery minus target; negative: it came early
        std::int64_t latency_ns = 0;
    };
    struct ReadSample {
        double ns = 0;
        double counts = 0;  ///< of the same event, that the read itself added
    };
    struct Capacity {
        unsigned at_once = 0;
        std::string then;  ///< what the next one met with
    };

    Workbench() = default;
    Workbench(const Workbench&) = delete;
    Workbench& operator=(const Workbench&) = delete;
    virtual ~Workbench() = default;

    virtual Fingerprint fingerprint() = 0;
    virtual std::vector<Core> cores() = 0;
    /// Sends the calling thread to one CPU of `core`, and there it stays.
    virtual Result<void> go_to(const Core& core) = 0;
    /// Other threads keep this core's and the others' caches, timers and schedulers busy, until told
    /// otherwise.
    virtual void load(bool on) = 0;
    virtual std::vector<Event> clock_candidates() = 0;
    virtual std::vector<Event> alarm_candidates(const Event& clock) = 0;
    virtual Result<Event> find(const std::string& name) = 0;
    /// Opens `event` once; the refusal if it cannot be.
    virtual Result<void> try_open(const Event& event) = 0;
    /// The first self-check of counter_check.hpp that it fails; empty if none.
    virtual Result<std::string> self_check(const Event& clock) = 0;

    /// The pieces of known code of this processor, in order; then by index. What they count is read from
    /// `each` and `again`; nothing calls their `run` but the workbench itself.
    virtual std::vector<KnownCode> codes() = 0;
    /// One run of it with `n`, which is at least 1. Refuses one that this CPU cannot run. What is counted
    /// around the code must be the same each time; differences of runs with different `n` are looked at.
    virtual Result<CodeCount> count_code(const Event& event, std::size_t code, Count n) = 0;
    /// A fixed stretch of work during which `cause` is provoked `times` times.
    virtual Result<DisturbedCount> count_disturbed(const Event& event, Disturbance cause, unsigned times) = 0;
    virtual Result<ReadSample> read_cost(const Event& event, ReadWay way) = 0;
    virtual Result<AlarmSample> sample_alarm(const Event& clock, const Event& alarm, Count after) = 0;
    virtual Result<Capacity> capacity(const Event& event) = 0;
    virtual Result<double> rate(const Event& event) = 0;

    // Nanoseconds each.
    virtual Result<double> trap_flag_step() = 0;
    virtual Result<double> breakpoint_step() = 0;
    virtual Result<double> signal_cost() = 0;
    virtual Result<double> operation_cost() = 0;
    virtual Result<double> timer_lateness() = 0;

    /// For budgets of time and for the time that is left; monotonic.
    virtual std::int64_t now_ns() = 0;
};

struct CalibrationOptions {
    enum class Effort : std::uint8_t { quick, standard, thorough };
    Effort effort = Effort::standard;  ///< under 10 s; under 60 s; until `confidence`
    double confidence = 0.9999;        ///< thorough: of the margin not being exceeded
    std::vector<unsigned> cpus;        ///< only core types that have one of these; empty: all
    std::vector<std::string> events;   ///< instead of the candidates; names as for find_event
};

struct CalibrationProgress {
    std::string doing;  ///< "cpu_core: BR_INST_RETIRED.CONDITIONAL: skid, loaded"
    double fraction = 0;
    std::int64_t left_ns = 0;
};

/// `progress` may be empty. Errors: only for what makes any profile impossible (an event that does not exist,
/// no such CPU).
tl::expected<Profile, std::string> calibrate(Workbench& workbench, const CalibrationOptions& options,
                                             const std::function<void(const CalibrationProgress&)>& progress);

/// What follows from the figures of one core type; `measured.verdict` is not looked at. A margin is never
/// less than anything that was seen.
Verdict conclude(const CoreProfile& measured);

/// A line for each figure in which one calibration differs from an earlier one by more than their spreads
/// allow.
struct Drift {
    /// Counts, alarms, and what was concluded: what an order rests on.
    std::vector<std::string> facts;
    /// Times (figures in ns and counts/ns): a busy host moves them, and no order depends on them.
    std::vector<std::string> times;
};
Drift drift(const Profile& then, const Profile& now);

/// The workbench of this host.
std::unique_ptr<Workbench> host_workbench();

}  // namespace escapement
