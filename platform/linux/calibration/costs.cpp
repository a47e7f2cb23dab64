// What the host takes for steps, signals, ordered operations and timers.

#include "breakpoints.hpp"
#include "calibration/monotonic.hpp"
#include "calibration/signal_handling.hpp"
#include "calibration/workbench.hpp"
#include "raw_system_call.hpp"
#include "stepping_way.hpp"

#include <escapement/domain.hpp>
#include <escapement/stepper.hpp>

#include <linux/perf_event.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace escapement {

namespace {

int kick_signal() {
    return SIGRTMAX - 4;
}

std::string refused(const CounterFailure& failure) {
    constexpr std::string_view counted = " cannot be counted: ";
    std::string text = explain(failure, {.name = "a breakpoint", .code = {.type = PERF_TYPE_BREAKPOINT}});
    if (const auto at = text.find(counted); at != std::string::npos)
        text.replace(at, counted.size(), " cannot be had: ");
    return text;
}

// --- Steps ------------------------------------------------------------------------------------------------

constexpr std::uint32_t steps_wanted = 1000;

struct Stepping {
    Stepper stepper;
    volatile std::uint32_t steps = 0;
    volatile bool over = false;
    volatile std::int64_t begin_ns = 0;
    volatile std::int64_t end_ns = 0;
};
Stepping* volatile stepping = nullptr;

void on_step(int signal, siginfo_t* information, void* context) {
    Stepping* const now = stepping;
    if (now == nullptr) return;
    if (signal == SIGTRAP) {
        if (!now->stepper.take(*information, context)) return;
        now->steps = now->steps + 1;
        if (now->steps == steps_wanted) {
            now->stepper.done(context);
            now->end_ns = monotonic_ns();
            now->over = true;
            return;
        }
    } else {
        now->begin_ns = monotonic_ns();
    }
    if (!now->stepper.step(context)) now->over = true;
}

Workbench::Result<double> time_of_a_step() {
    auto stepper = Stepper::open();
    if (!stepper) return tl::unexpected(refused(stepper.error()));
    Stepping now{.stepper = std::move(*stepper)};
    sigset_t none;
    sigemptyset(&none);
    struct sigaction trap_before {};
    struct sigaction kick_before {};
    stepping = &now;
    Stepper::install(SIGTRAP, on_step, none, &trap_before);
    Stepper::install(kick_signal(), on_step, none, &kick_before);
    {
        const SignalHandling trap(SIGTRAP, trap_before);
        const SignalHandling kick(kick_signal(), kick_before);
        raw_system_call(SYS_tgkill, getpid(), gettid(), kick_signal());
        // Longer than it is stepped.
        known_code().front().run(steps_wanted);
    }
    stepping = nullptr;
    if (now.steps != steps_wanted) {
        return tl::unexpected("stepping came to its end after " + std::to_string(now.steps) +
                              " steps: the host refused a breakpoint");
    }
    return static_cast<double>(now.end_ns - now.begin_ns) / steps_wanted;
}

// --- Breakpoints ------------------------------------------------------------------------------------------

[[gnu::noinline]] void here() {
    asm volatile("");
}
[[gnu::noinline]] void there() {
    asm volatile("" ::: "memory");
}

struct Stopping {
    Breakpoints breakpoints;
    Breakpoints::Addresses at_here;
    Breakpoints::Addresses at_there;
    volatile std::uint32_t stops = 0;
};
Stopping* volatile stopping = nullptr;

void on_stop(int /*signal*/, siginfo_t* information, void* /*context*/) {
    Stopping* const now = stopping;
    if (now == nullptr || !Breakpoints::hit(*information)) return;
    now->stops = now->stops + 1;
    if (!now->breakpoints.set(now->stops % 2 == 0 ? now->at_here : now->at_there)) now->breakpoints.clear();
}

/// From one function to the next and back, stopped at each.
Workbench::Result<double> time_of_a_breakpoint() {
    constexpr std::uint32_t pairs = 250;
    const auto run = [&] {
        const std::int64_t begin = monotonic_ns();
        for (std::uint32_t pair = 0; pair < pairs; ++pair) {
            here();
            there();
        }
        return monotonic_ns() - begin;
    };
    Stopping now;
    if (const auto opened = now.breakpoints.open(1); !opened) return tl::unexpected(refused(opened.error()));
    now.at_here.add(reinterpret_cast<std::uintptr_t>(&here));
    now.at_there.add(reinterpret_cast<std::uintptr_t>(&there));
    const std::int64_t without = run();
    stopping = &now;
    std::int64_t with = 0;
    {
        const SignalHandling handling(SIGTRAP, on_stop);
        if (now.breakpoints.set(now.at_here)) with = run();
        now.breakpoints.close();
    }
    stopping = nullptr;
    if (now.stops != 2 * pairs) {
        return tl::unexpected("only " + std::to_string(now.stops) + " of " + std::to_string(2 * pairs) +
                              " breakpoints were met");
    }
    return static_cast<double>(with - without) / (2 * pairs);
}

// --- Signals, timers --------------------------------------------------------------------------------------

volatile unsigned signals_seen = 0;
volatile std::int64_t timer_seen_ns = 0;

void on_signal(int /*signal*/, siginfo_t* /*information*/, void* /*context*/) {
    signals_seen = signals_seen + 1;
}
void on_timer(int /*signal*/, siginfo_t* /*information*/, void* /*context*/) {
    timer_seen_ns = time_of(CLOCK_THREAD_CPUTIME_ID);
}

/// One participant, so that nobody is waited for.
struct Alone final : Host {
    Nanoseconds time_passed(Nanoseconds /*now*/) override { return 0; }
    bool poll_ready(ParticipantNumber /*participant*/) override { return false; }
    void hand_over(ParticipantNumber /*from*/, ParticipantNumber /*to*/) override {}
    IdleEnd idle(Nanoseconds /*now*/, Nanoseconds /*deadline*/) override {
        return {.reached_deadline = true, .passed = 0};
    }
    void stuck(const Order& /*order*/) override {}
};

}  // namespace

Workbench::Result<double> HostWorkbench::trap_flag_step() {
    if (!steps_by_trap_flag) {
        return tl::unexpected<std::string>(
            "this processor lets no program set a trap flag: it is stepped by breakpoints");
    }
    return time_of_a_step();
}

Workbench::Result<double> HostWorkbench::breakpoint_step() {
    return steps_by_trap_flag ? time_of_a_breakpoint() : time_of_a_step();
}

Workbench::Result<double> HostWorkbench::signal_cost() {
    constexpr unsigned signals = 64;
    constexpr unsigned rounds = 8;  // the quickest of which nobody came between
    const SignalHandling handling(kick_signal(), on_signal);
    // By the C library, which ThreadSanitizer stands in front of: it holds back other signals, and makes one
    // of several.
    const auto send = [](int signal) {
        const std::int64_t begin = monotonic_ns();
        for (unsigned number = 0; number < signals; ++number)
            pthread_kill(pthread_self(), signal);
        return monotonic_ns() - begin;
    };
    std::int64_t without = send(0);
    signals_seen = 0;
    std::int64_t with = send(kick_signal());
    for (unsigned round = 1; round < rounds; ++round) {
        without = std::min(without, send(0));
        with = std::min(with, send(kick_signal()));
    }
    if (signals_seen != rounds * signals) {
        return tl::unexpected("only " + std::to_string(signals_seen) + " of " +
                              std::to_string(rounds * signals) + " signals came");
    }
    return static_cast<double>(std::max<std::int64_t>(with - without, 0)) / signals;
}

Workbench::Result<double> HostWorkbench::operation_cost() {
    constexpr int operations = 10'000;
    Alone host;
    Domain domain(OrderOptions{}, host);
    const std::int64_t begin = monotonic_ns();
    for (int number = 0; number < operations; ++number)
        domain.operation();
    return static_cast<double>(monotonic_ns() - begin) / operations;
}

Workbench::Result<double> HostWorkbench::timer_lateness() {
    constexpr std::int64_t after_ns = 1'000'000;
    constexpr std::int64_t longest_ns = 1'000'000'000;
    const SignalHandling handling(kick_signal(), on_timer);
    sigevent wish{};
    wish.sigev_notify = SIGEV_THREAD_ID;
    wish.sigev_signo = kick_signal();
    wish._sigev_un._tid = gettid();
    timer_t timer{};
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &wish, &timer) != 0) {
        return tl::unexpected(std::string("there is no timer of a thread's CPU time: ") +
                              std::strerror(errno));
    }
    timer_seen_ns = 0;
    const itimerspec setting{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = after_ns}};
    const std::int64_t due_ns = time_of(CLOCK_THREAD_CPUTIME_ID) + after_ns;
    timer_settime(timer, 0, &setting, nullptr);
    while (timer_seen_ns == 0 && time_of(CLOCK_THREAD_CPUTIME_ID) < due_ns + longest_ns)
        known_code().front().run(1000);
    timer_delete(timer);
    if (timer_seen_ns == 0) {
        return tl::unexpected<std::string>(
            "a timer of the thread's CPU time did not come within a second of it");
    }
    return static_cast<double>(std::max<std::int64_t>(timer_seen_ns - due_ns, 0));
}

}  // namespace escapement
