// Checks of an alarm: that it comes, when a new period says, and not later than the margin.
//
// The handler reads the clock first thing and the program right after it has set the alarm. What is called
// late here is hence late by a few instructions more than the alarm itself was, never by fewer.
#include "counter_checks.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>

namespace escapement {

namespace {

/// Far more than any alarm is late that works at all.
constexpr Count patience = Count{1} << 24U;

struct Watch {
    const Counter* clock;
    Alarm* alarm;
    std::atomic<int> signals{0};
    std::atomic<Count> came_at{0};
};
thread_local std::atomic<Watch*> watching{nullptr};

void came(int, siginfo_t* information, void*) {
    Watch* const watch = watching.load(std::memory_order_relaxed);
    if (watch == nullptr) return;
    const auto now = watch->clock->read();
    if (!watch->alarm->sent(*information) || !now) return;
    if (watch->signals.fetch_add(1, std::memory_order_relaxed) == 0) {
        watch->came_at.store(*now, std::memory_order_relaxed);
    }
}

/// Handles the signal as long as it lives, unblocked, and puts back what was there.
class Handling {
  public:
    explicit Handling(int signal) : signal_(signal) {
        struct sigaction action {};
        action.sa_sigaction = came;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        sigaction(signal_, &action, &before_);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal_);
        pthread_sigmask(SIG_UNBLOCK, &set, &mask_before_);
    }
    ~Handling() {
        pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        sigaction(signal_, &before_, nullptr);
    }
    Handling(const Handling&) = delete;
    Handling& operator=(const Handling&) = delete;

  private:
    int signal_;
    struct sigaction before_ {};
    sigset_t mask_before_{};
};

struct Trial {
    int signals = 0;
    Count late = 0;
};

/// Sets the alarm and runs `code` until it has come or patience is at an end.
tl::expected<Trial, CounterFailure> try_once(Alarm& alarm, Watch& watch, const KnownCode& code, Count after) {
    watch.signals.store(0, std::memory_order_relaxed);
    if (const auto set = alarm.set(after); !set) return tl::unexpected(set.error());
    const auto begin = watch.clock->read();
    if (!begin) return tl::unexpected(begin.error());
    // Each run has more than a hundred counts of whatever counts code; of what does not, it would never end.
    constexpr Count share = 100;
    Count now = *begin;
    for (Count runs = 0; watch.signals.load(std::memory_order_relaxed) == 0 &&
                         now - *begin < after + patience && runs * share < after + patience;
         ++runs) {
        code.run(share);
        const auto next = watch.clock->read();
        if (!next) return tl::unexpected(next.error());
        now = *next;
    }
    const int signals = watch.signals.load(std::memory_order_relaxed);
    alarm.cancel();
    const Count due = *begin + after;
    const Count at = watch.came_at.load(std::memory_order_relaxed);
    return Trial{.signals = signals, .late = signals != 0 && at > due ? at - due : 0};
}

std::string never_came(Count after) {
    return "set to come after " + std::to_string(after) + ", it has not come after " +
           std::to_string(after + patience);
}

Check alarm_comes(Alarm& alarm, Watch& watch, const Event& event) {
    constexpr Count after = 1000;
    const auto trial = try_once(alarm, watch, known_code().front(), after);
    if (!trial) return failed(CheckName::alarm_comes, explain(trial.error(), event));
    if (trial->signals == 0) return failed(CheckName::alarm_comes, never_came(after));
    return passed(CheckName::alarm_comes, "it comes");
}

Check period_change(Alarm& alarm, Watch& watch, const Event& event) {
    constexpr Count far_away = Count{1} << 40U;
    constexpr Count after = 1000;
    if (const auto set = alarm.set(far_away); !set) {
        return failed(CheckName::period_change, explain(set.error(), event));
    }
    const auto trial = try_once(alarm, watch, known_code().front(), after);
    if (!trial) return failed(CheckName::period_change, explain(trial.error(), event));
    if (trial->signals == 0) {
        return failed(CheckName::period_change,
                      "set anew, it comes when it was due before: " + never_came(after));
    }
    return passed(CheckName::period_change, "it comes as last set");
}

Check alarm_margin(Alarm& alarm, Watch& watch, const Event& event, Count margin, Count& skid) {
    constexpr int trials = 64;
    Count after = 200;
    for (int number_of_trial = 0; number_of_trial < trials; ++number_of_trial) {
        const auto codes = known_code();
        const KnownCode& code = codes[static_cast<std::size_t>(number_of_trial) % codes.size()];
        if (!code.available()) continue;
        after = 200 + after * 7919 % 10'007;
        const auto trial = try_once(alarm, watch, code, after);
        if (!trial) return failed(CheckName::alarm_margin, explain(trial.error(), event));
        if (trial->signals == 0) return failed(CheckName::alarm_margin, never_came(after));
        skid = std::max(skid, trial->late);
    }
    const std::string found =
        "it comes up to " + std::to_string(skid) + " late; the margin is " + std::to_string(margin);
    return skid <= margin ? passed(CheckName::alarm_margin, found) : failed(CheckName::alarm_margin, found);
}

}  // namespace

tl::expected<CheckReport, CounterFailure> check_alarm(const Event& clock, const Event& alarm_event,
                                                      Count margin) {
    const int signal = SIGRTMAX - 5;
    const auto counter = Counter::open(clock.code);
    if (!counter) return tl::unexpected(counter.error());
    auto alarm = Alarm::open(alarm_event.code, signal);
    if (!alarm) return tl::unexpected(alarm.error());
    const Handling handling(signal);
    Watch watch{.clock = &*counter, .alarm = &*alarm};
    watching.store(&watch, std::memory_order_relaxed);
    CheckReport report;
    report.checks.push_back(alarm_comes(*alarm, watch, alarm_event));
    if (report.passed()) {
        report.checks.push_back(period_change(*alarm, watch, alarm_event));
        report.checks.push_back(alarm_margin(*alarm, watch, alarm_event, margin, report.skid));
    } else {
        report.checks.push_back(not_applicable(CheckName::period_change, "it does not come at all"));
        report.checks.push_back(not_applicable(CheckName::alarm_margin, "it does not come at all"));
    }
    watching.store(nullptr, std::memory_order_relaxed);
    return report;
}

}  // namespace escapement
