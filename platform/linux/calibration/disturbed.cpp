// Counting a stretch of work while something is provoked.
//
// A stretch is a fixed number of rounds. In as many of them as are asked for the disturbance comes; in the
// others functions run that execute just the same (disturbed_code.hpp), so that any difference in counts is
// the disturbance's own.

#include "calibration/disturbed_code.hpp"
#include "calibration/interrupts.hpp"
#include "calibration/monotonic.hpp"
#include "calibration/partner.hpp"
#include "calibration/workbench.hpp"
#include "counter_checks.hpp"
#include "on_cpu.hpp"
#include "page.hpp"
#include "raw_system_call.hpp"
#include "signal_actions.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <system_error>

namespace escapement {

namespace {

using Result = Workbench::Result<Workbench::DisturbedCount>;

constexpr unsigned rounds = 32;

struct Step {
    long (*function)(long, long, long, long, long) = escapement_disturbed_no_call;
    long number = 0;
    long a = 0, b = 0, c = 0, d = 0;
};

struct Bench {
    const Event& event;
    const Counter& counter;
    Count price_of_a_try;
    unsigned times;
    [[nodiscard]] bool disturbs(unsigned round) const {
        // Spread over the rounds, because two in a row may add something else than one and one.
        return (round + 1) * times / rounds != round * times / rounds;
    }
};

// Out of line and in one place only: what lies around the steps must count the same every time.
[[gnu::noinline]] tl::expected<Count, std::string> count_steps(const Bench& bench, const Step* begin,
                                                               const Step* end) {
    const auto before = bench.counter.read_in_tries();
    for (const Step* step = begin; step != end; ++step)
        step->function(step->number, step->a, step->b, step->c, step->d);
    const auto after = bench.counter.read_in_tries();
    if (!before) return tl::unexpected(explain(before.error(), bench.event));
    if (!after) return tl::unexpected(explain(after.error(), bench.event));
    const Count extra_tries = after->tries > 1 ? after->tries - 1 : 0;
    return after->value - before->value - extra_tries * bench.price_of_a_try;
}

tl::expected<Count, std::string> count_steps(const Bench& bench, const std::vector<Step>& steps) {
    return count_steps(bench, steps.data(), steps.data() + steps.size());
}

std::string trouble(const char* what, int error) {
    return std::string(what) + ": " + std::strerror(error);
}

rusage usage() {
    rusage now{};
    getrusage(RUSAGE_THREAD, &now);
    return now;
}

Result page_faults(const Bench& bench) {
    constexpr std::size_t length = rounds * page;
    void* const fresh = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED) return tl::unexpected(trouble("no fresh pages can be had", errno));
    madvise(fresh, length, MADV_NOHUGEPAGE);
    static char present = 0;
    static_cast<volatile char&>(present) = 1;
    std::vector<Step> steps(
        rounds, {.function = escapement_disturbed_touch, .number = reinterpret_cast<long>(&present)});
    // The pages of the code that counts are not to be among those that are counted.
    if (const auto dry = count_steps(bench, steps); !dry) {
        munmap(fresh, length);
        return tl::unexpected(dry.error());
    }
    for (unsigned round = 0; round < rounds; ++round)
        if (bench.disturbs(round))
            steps[round].number = reinterpret_cast<long>(static_cast<char*>(fresh) + round * page);
    const long before = usage().ru_minflt;
    const auto counted = count_steps(bench, steps);
    const long after = usage().ru_minflt;
    munmap(fresh, length);
    if (!counted) return tl::unexpected(counted.error());
    return Workbench::DisturbedCount{.counted = *counted,
                                     .occurrences = static_cast<std::uint64_t>(after - before)};
}

Result system_calls(const Bench& bench) {
    std::vector<Step> steps(rounds);
    for (unsigned round = 0; round < rounds; ++round) {
        steps[round] = {
            .function = bench.disturbs(round) ? escapement_disturbed_call : escapement_disturbed_no_call,
            .number = SYS_getppid};
    }
    const auto counted = count_steps(bench, steps);
    if (!counted) return tl::unexpected(counted.error());
    return Workbench::DisturbedCount{.counted = *counted, .occurrences = bench.times};
}

/// Handles a signal by known instructions, to the return.
class KnownHandler {
  public:
    explicit KnownHandler(int signal) : signal_(signal) {
        constexpr unsigned long with_restorer = 0x04000000;  // SA_RESTORER
        const SignalAction action{.handler = reinterpret_cast<std::uintptr_t>(&escapement_disturbed_handler),
                                  .flags = with_restorer,
                                  .restorer = reinterpret_cast<std::uintptr_t>(&escapement_disturbed_return),
                                  .mask = 0};
        const SignalMask mask = mask_of(signal_);
        set(action, &before_);
        raw_system_call(SYS_rt_sigprocmask, SIG_UNBLOCK, reinterpret_cast<long>(&mask),
                        reinterpret_cast<long>(&mask_before_), sizeof mask);
    }
    ~KnownHandler() {
        raw_system_call(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&mask_before_), 0,
                        sizeof mask_before_);
        set(before_, nullptr);
    }
    KnownHandler(const KnownHandler&) = delete;
    KnownHandler& operator=(const KnownHandler&) = delete;

  private:
    void set(const SignalAction& action, SignalAction* before) const {
        raw_system_call(SYS_rt_sigaction, signal_, reinterpret_cast<long>(&action),
                        reinterpret_cast<long>(before), sizeof(SignalMask));
    }
    int signal_;
    SignalAction before_;
    SignalMask mask_before_ = 0;
};

Result signals(const Bench& bench) {
    const int signal = SIGRTMAX - 4;
    const KnownHandler handler(signal);
    std::vector<Step> steps(rounds);
    for (unsigned round = 0; round < rounds; ++round) {
        const bool sends = bench.disturbs(round);
        steps[round] = {.function = sends ? escapement_disturbed_call : escapement_disturbed_no_signal,
                        .number = SYS_tgkill,
                        .a = getpid(),
                        .b = gettid(),
                        .c = sends ? signal : 0};
    }
    const std::uint64_t before = escapement_disturbed_signals;
    const auto counted = count_steps(bench, steps);
    const std::uint64_t after = escapement_disturbed_signals;
    if (!counted) return tl::unexpected(counted.error());
    return Workbench::DisturbedCount{.counted = *counted, .occurrences = after - before};
}

/// Two calls a round, which ask the partner and wait for its answer, or ask nothing and get nothing.
Result context_switches(const Bench& bench, unsigned cpu) {
    try {
        const Partner partner(cpu);
        static char byte = 0;
        std::vector<Step> steps;
        for (unsigned round = 0; round < rounds; ++round) {
            const long length = bench.disturbs(round) ? 1 : 0;
            const auto place = reinterpret_cast<long>(&byte);
            steps.push_back({.function = escapement_disturbed_call,
                             .number = SYS_write,
                             .a = partner.question(),
                             .b = place,
                             .c = length});
            steps.push_back({.function = escapement_disturbed_call,
                             .number = SYS_read,
                             .a = partner.answer(),
                             .b = place,
                             .c = length});
        }
        const rusage before = usage();
        const auto counted = count_steps(bench, steps);
        const rusage after = usage();
        if (!counted) return tl::unexpected(counted.error());
        return Workbench::DisturbedCount{
            .counted = *counted,
            .occurrences = static_cast<std::uint64_t>(after.ru_nvcsw - before.ru_nvcsw + after.ru_nivcsw -
                                                      before.ru_nivcsw)};
    } catch (const std::system_error& error) {
        return tl::unexpected(std::string("there is nothing to switch to: ") + error.what());
    }
}

Result migrations(const Bench& bench, unsigned own, const std::set<unsigned>& core) {
    std::set<unsigned> others = core;
    others.erase(own);
    if (others.empty()) {
        return tl::unexpected("no migration can be provoked: this process may use only CPU " +
                              std::to_string(own) + " of this core type");
    }
    const CpuMask here({own});
    const CpuMask there({*others.rbegin()});
    std::vector<Step> steps(rounds);
    bool away = false;
    for (unsigned round = 0; round < rounds; ++round) {
        away = away != bench.disturbs(round);
        const CpuMask& mask = away ? there : here;
        steps[round] = {.function = escapement_disturbed_call,
                        .number = SYS_sched_setaffinity,
                        .a = 0,
                        .b = static_cast<long>(mask.size()),
                        .c = reinterpret_cast<long>(mask.get())};
    }
    const auto counted = count_steps(bench, steps);
    const int arrived = sched_getcpu();
    const int error = keep_on(own);
    if (!counted) return tl::unexpected(counted.error());
    if (arrived != static_cast<int>(away ? *others.rbegin() : own) || error != 0) {
        return tl::unexpected("no migration can be provoked: the kernel did not move the thread to CPU " +
                              std::to_string(*others.rbegin()));
    }
    return Workbench::DisturbedCount{.counted = *counted, .occurrences = bench.times};
}

/// A timer of the kernel's that interrupts this CPU and tells nobody.
Result timer_interrupts(const Bench& bench, unsigned cpu) {
    constexpr Count turns = 50'000;
    const KnownCode& code = known_code().front();
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) return tl::unexpected(trouble("no timer can be had", errno));
    // The shortest of some: others may have run meanwhile.
    static const std::int64_t length_ns = [&] {
        std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
        for (int turn = 0; turn < 7; ++turn) {
            const std::int64_t begin = monotonic_ns();
            code.run(turns);
            shortest = std::min(shortest, monotonic_ns() - begin);
        }
        return shortest;
    }();
    if (bench.times > 0) {
        const std::int64_t interval = std::max<std::int64_t>(length_ns / (bench.times + 1), 1000);
        const timespec time{.tv_sec = static_cast<time_t>(interval / 1'000'000'000),
                            .tv_nsec = static_cast<long>(interval % 1'000'000'000)};
        const itimerspec setting{.it_interval = time, .it_value = time};
        timerfd_settime(timer, 0, &setting, nullptr);
    }
    const auto before = timer_interrupts_of(cpu);
    const auto measured = measure(bench.counter, code, turns);
    const auto after = timer_interrupts_of(cpu);
    std::uint64_t expirations = 0;
    if (read(timer, &expirations, sizeof expirations) < 0) expirations = 0;
    close(timer);
    if (!measured) return tl::unexpected(explain(measured.error(), bench.event));
    return Workbench::DisturbedCount{.counted = measured->count,
                                     .occurrences = before && after ? *after - *before : expirations};
}

}  // namespace

Workbench::Result<Workbench::DisturbedCount> count_disturbed_by(Disturbance cause, unsigned times,
                                                                const Event& event, const Counter& counter,
                                                                Count price_of_a_try, unsigned own,
                                                                const std::set<unsigned>& core) {
    if (times > rounds) {
        return tl::unexpected("a stretch has room for " + std::to_string(rounds) +
                              " disturbances, and not for " + std::to_string(times));
    }
    const Bench bench{.event = event, .counter = counter, .price_of_a_try = price_of_a_try, .times = times};
    switch (cause) {
        case Disturbance::page_fault:
            return page_faults(bench);
        case Disturbance::timer_interrupt:
            return timer_interrupts(bench, own);
        case Disturbance::system_call:
            return system_calls(bench);
        case Disturbance::signal:
            return signals(bench);
        case Disturbance::context_switch:
            return context_switches(bench, own);
        case Disturbance::migration:
            return migrations(bench, own, core);
    }
    return tl::unexpected<std::string>("there is no such disturbance");
}

}  // namespace escapement
