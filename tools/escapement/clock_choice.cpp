#include "clock_choice.hpp"

#include <escapement/counted_thread.hpp>
#include <escapement/counter_check.hpp>

#include <fmt/format.h>

#include <csignal>

namespace escapement::command {

namespace {

// More than any processor's alarm is known to be late (about 10,000 on AMD Zen).
constexpr Count widest_margin = 50'000;

/// What a processor's alarms are late by differs from one to the next: what was seen in a few trials is not
/// the worst.
Count margin_for(Count skid) {
    return 4 * skid + 64;
}

/// Boundaries without a margin, to see whether they are met: so it is where the processor is emulated.
class Trial final : public BoundaryListener {
  public:
    static constexpr unsigned wanted = 64;
    Count at_boundary(CountedThread& /*thread*/, const Boundary& here) override {
        met_ = met_ + 1;
        if (met_ == wanted) return no_boundary;
        return here.clock + 500 + Count{37} * (met_ % 16);
    }
    void missed(CountedThread& /*thread*/, const Miss& /*miss*/) override { missed_ = true; }
    [[nodiscard]] bool over() const { return missed_ || met_ == wanted; }
    [[nodiscard]] bool passed() const { return !missed_ && met_ == wanted; }

  private:
    // Written by a signal handler on the thread that reads them.
    volatile unsigned met_ = 0;
    volatile bool missed_ = false;
};

bool needs_no_margin(const Event& clock, const Event& alarm) {
    CountedThread::install_handlers(SIGRTMAX);
    Trial trial;
    CountedThread thread(
        {.stepped = false, .clock = clock.code, .alarm = alarm.code, .margin = 0, .alarm_signal = SIGRTMAX},
        trial);
    if (!thread.begin()) return false;
    thread.resume(thread.clock() + 1);
    for (unsigned turn = 0; turn < 1'000'000 && !trial.over(); ++turn)
        asm volatile("" ::"r"(turn));
    thread.pause();
    return trial.passed();
}

tl::expected<HardwareClock, std::string> try_clock(const Event& clock, std::optional<Count> margin) {
    const auto checked = check_clock(clock);
    if (!checked) return tl::unexpected(explain(checked.error(), clock));
    if (!checked->passed()) return tl::unexpected(fmt::format("{}: {}", clock.name, checked->failure()));
    const auto chosen_with = [&clock](const Event& alarm, Count chosen, const std::string& more) {
        return HardwareClock{.clock = clock,
                             .alarm = alarm,
                             .margin = chosen,
                             .reason = fmt::format("{} passed its checks; alarm {}, margin {}{}", clock.name,
                                                   alarm.name, chosen, more)};
    };
    const std::vector<Event> alarms_to_try = alarm_candidates(clock);
    for (const Event& alarm : alarms_to_try) {
        if (!margin && needs_no_margin(clock, alarm)) return chosen_with(alarm, 0, "");
    }
    std::string passed_over;
    for (const Event& alarm : alarms_to_try) {
        const auto alarms = check_alarm(clock, alarm, margin.value_or(widest_margin));
        if (alarms && alarms->passed())
            return chosen_with(alarm, margin.value_or(margin_for(alarms->skid)), passed_over);
        passed_over += fmt::format("; not {} as an alarm: {}", alarm.name,
                                   alarms ? alarms->failure() : explain(alarms.error(), alarm));
    }
    return tl::unexpected(
        fmt::format("{} counts, but nothing wakes a thread in time{}", clock.name, passed_over));
}

}  // namespace

tl::expected<HardwareClock, std::string> choose_hardware_clock(const std::string& event,
                                                               std::optional<Count> margin) {
    if (event != "auto") {
        const auto found = find_event(event);
        if (!found) return tl::unexpected(found.error());
        return try_clock(*found, margin);
    }
    std::string failures;
    for (const Event& candidate : clock_candidates()) {
        auto clock = try_clock(candidate, margin);
        if (clock) {
            if (!failures.empty()) clock->reason += "; passed over: " + failures;
            return clock;
        }
        failures += (failures.empty() ? "" : "; ") + clock.error();
    }
    if (failures.empty())
        failures = "no event that could be a clock is known for this CPU: name one by --event";
    return tl::unexpected(failures);
}

std::string encode(const EventCode& code) {
    return fmt::format("{:x}:{:x}:{:x}:{:x}", code.type, code.config, code.config1, code.config2);
}

}  // namespace escapement::command
