// What an exact boundary costs, with and without stepping, against the delivery of a signal. The same work is
// measured without boundaries, with one that the alarm lands on each time, and with one that is stepped to;
// the differences are the boundary's. `alarms` and `steps` are how many one boundary took. Where there are no
// counters, single steps and signals are all that can be measured.

#include "table.hpp"

#include <escapement/counted_thread.hpp>
#include <escapement/event.hpp>
#include <escapement/placement.hpp>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <optional>

namespace {

using namespace escapement;

int alarm_signal() {
    return SIGRTMAX;
}

/// Two instructions a round.
__attribute__((noinline)) void work(unsigned rounds) {
    do {
        asm volatile("" : "+r"(rounds));
    } while (--rounds != 0);
}

constexpr unsigned rounds_of_work = 1000;
constexpr Count stepped_margin = 64;

class Noted final : public BoundaryListener {
  public:
    Count at_boundary(CountedThread& /*thread*/, const Boundary& here) override {
        met_ = met_ + 1;
        return here.clock + quantum_;
    }
    void missed(CountedThread& /*thread*/, const Miss& /*miss*/) override { missed_ = true; }

    void set_quantum(Count quantum) { quantum_ = quantum; }
    [[nodiscard]] std::int64_t met() const { return met_; }
    [[nodiscard]] bool any_missed() const { return missed_; }

  private:
    volatile Count quantum_ = no_boundary;
    volatile std::int64_t met_ = 0;
    volatile bool missed_ = false;
};

void nothing(int /*signal*/, siginfo_t* /*information*/, void* /*context*/) {}

void signals(benchmark::State& state) {
    struct sigaction action {};
    action.sa_sigaction = nothing;
    action.sa_flags = SA_SIGINFO;
    struct sigaction before {};
    sigaction(SIGUSR1, &action, &before);
    const pid_t process = getpid();
    const pid_t thread = gettid();
    for ([[maybe_unused]] auto iteration : state)
        syscall(SYS_tgkill, process, thread, SIGUSR1);
    sigaction(SIGUSR1, &before, nullptr);
}

/// One iteration: the work, nothing else.
void work_alone(benchmark::State& state, const CountedThreadOptions& options) {
    Noted noted;
    CountedThread thread(options, noted);
    if (!thread.begin()) state.SkipWithError("the thread could not be counted");
    thread.resume(no_boundary);
    for ([[maybe_unused]] auto iteration : state)
        work(rounds_of_work);
    thread.pause();
    thread.end();
}

/// One iteration: as many counts as the work has, and a boundary at their end.
void boundaries(benchmark::State& state, const CountedThreadOptions& options) {
    Noted noted;
    CountedThread thread(options, noted);
    if (!thread.begin()) {
        state.SkipWithError("the thread could not be counted");
        return;
    }
    thread.resume(no_boundary);
    const Count before = thread.clock();
    work(rounds_of_work);
    const Count quantum = thread.clock() - before;
    noted.set_quantum(quantum);
    thread.run_until(thread.clock() + quantum);
    while (noted.met() == 0 && !noted.any_missed())
        work(1);
    const CountedThread::Statistics first = thread.statistics();
    while (state.KeepRunningBatch(16)) {
        const std::int64_t enough = noted.met() + 16;
        while (noted.met() < enough && !noted.any_missed())
            work(10);
    }
    noted.set_quantum(Count{1} << 40U);
    thread.pause();
    const CountedThread::Statistics last = thread.statistics();
    thread.end();
    const auto boundaries = static_cast<double>(last.boundaries - first.boundaries);
    state.counters["alarms"] = static_cast<double>(last.alarms - first.alarms) / boundaries;
    state.counters["steps"] = static_cast<double>(last.steps - first.steps) / boundaries;
    if (noted.any_missed()) state.SkipWithError("a boundary was missed");
}

/// One iteration: one step, but for the few of the loop around the work.
void steps(benchmark::State& state) {
    Noted noted;
    CountedThread thread(
        {.stepped = true, .clock = {}, .alarm = {}, .margin = 0, .alarm_signal = alarm_signal()}, noted);
    if (!thread.begin()) {
        state.SkipWithError("the host refuses single steps");
        return;
    }
    thread.resume(no_boundary);
    while (state.KeepRunningBatch(2 * std::int64_t{rounds_of_work}))
        work(rounds_of_work);
    thread.pause();
    thread.end();
}

/// A clock and an alarm that can be opened here. An alarm by the clock's own event comes late in QEMU, so
/// others go first where there are any.
tl::expected<CountedThreadOptions, std::string> countable() {
    std::string why = "libpfm4 and the table of raw codes know no event that could be a clock on this CPU";
    for (const Event& clock : clock_candidates()) {
        if (const auto opened = Counter::open(clock.code); !opened) {
            why = explain(opened.error(), clock);
            continue;
        }
        const auto alarms = alarm_candidates(clock);
        for (const Event& alarm : alarms) {
            if (alarm.code == clock.code && alarms.size() > 1) continue;
            std::printf("clock: %s, alarm: %s\n", clock.name.c_str(), alarm.name.c_str());
            return CountedThreadOptions{.stepped = false,
                                        .clock = clock.code,
                                        .alarm = alarm.code,
                                        .margin = 0,
                                        .alarm_signal = alarm_signal()};
        }
    }
    return tl::unexpected(why);
}

}  // namespace

int main(int argc, char** argv) {
    const auto allowed = allowed_cpus();
    if (const auto place = allowed.and_then([](const auto& cpus) { return choose_serial(cpus); })) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(*place->cpus.begin(), &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    CountedThread::install_handlers(alarm_signal());
    benchmark::RegisterBenchmark("signal", signals)->UseRealTime();
    benchmark::RegisterBenchmark("step", steps)->UseRealTime();
    if (const auto options = countable()) {
        CountedThreadOptions stepping = *options;
        stepping.margin = stepped_margin;
        benchmark::RegisterBenchmark("work", work_alone, *options)->UseRealTime();
        benchmark::RegisterBenchmark("boundary", boundaries, *options)->UseRealTime();
        benchmark::RegisterBenchmark("boundary, margin 64", boundaries, stepping)->UseRealTime();
    } else {
        bench::skip("a boundary without stepping", options.error());
        bench::skip("a boundary with stepping", options.error());
    }
    return bench::run(argc, argv,
                      {{.text = "a step against a signal", .this_one = "step", .against = "signal"},
                       {.text = "a boundary without stepping against a signal",
                        .this_one = "boundary",
                        .against = "signal",
                        .aim = "<= 3",
                        .without = "work"},
                       {.text = "a boundary with 64 counts of margin against a signal",
                        .this_one = "boundary, margin 64",
                        .against = "signal",
                        .without = "work"}});
}
