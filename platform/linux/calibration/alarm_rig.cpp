#include "calibration/alarm_rig.hpp"

#include "calibration/monotonic.hpp"
#include "calibration/signal_handling.hpp"
#include "counter_checks.hpp"
#include "perf_event.hpp"
#include "raw_system_call.hpp"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace escapement {

namespace {

constexpr Count times_as_far = 100;  ///< an alarm that has not come by then is lost
constexpr std::int64_t longest_ns = 100'000'000;
constexpr int learned_from = 9;

int alarm_signal() {
    return SIGRTMAX - 4;
}

/// Code that runs until the alarm comes. Alarms may come later in one piece of code than in another.
struct Stretch {
    const KnownCode* code;
    double ns_per_count;
};

}  // namespace

struct AlarmRig::State {
    Event clock_event;
    Event alarm_event;
    Counter clock;
    Alarm alarm;
    Count price_of_a_try = 0;
    Count around = 0;     ///< counts of the clock between the two readings besides the way to the target
    Count preparing = 0;  ///< counts of the alarm from its setting to its being stopped again
    std::int64_t enabling_ns = 0;
    std::vector<Stretch> stretches;
    std::size_t next = 0;
    std::optional<SignalHandling> handling;

    // Written by handlers.
    volatile bool learning = false;
    volatile bool came = false;
    volatile bool unreadable = false;
    volatile Count came_at = 0;
    volatile std::int64_t came_ns = 0;

    State(const Event& clock_of, const Event& alarm_of, Counter counter, Alarm opened)
        : clock_event(clock_of), alarm_event(alarm_of), clock(std::move(counter)), alarm(std::move(opened)) {}

    static void on_signal(int signal, siginfo_t* information, void* context);
    [[nodiscard]] Count read_and_call(long number, long a, long b, long c);
    [[nodiscard]] Count enable() {
        return read_and_call(SYS_ioctl, alarm.descriptor(), PERF_EVENT_IOC_ENABLE, 0);
    }
    tl::expected<std::int64_t, CounterFailure> prepare(Count after);
    tl::expected<void, CounterFailure> learn();
    void run_until_it_came(const KnownCode& code, Count begin, Count after);
};

namespace {

AlarmRig::State* volatile sampling = nullptr;

}  // namespace

void AlarmRig::State::on_signal(int /*signal*/, siginfo_t* information, void* /*context*/) {
    State* const state = sampling;
    if (state == nullptr) return;
    const auto now = state->clock.read_in_tries();
    if (!(state->learning ? information->si_code == SI_TKILL : state->alarm.sent(*information)) ||
        state->came)
        return;
    state->came_ns = monotonic_ns();
    state->unreadable = !now;
    if (now) {
        const Count extra_tries = now->tries > 1 ? now->tries - 1 : 0;
        state->came_at = now->value - extra_tries * state->price_of_a_try;
    }
    state->came = true;
}

// Out of line and in one place only: what it counts from the reading to the call must be the same every time.
[[gnu::noinline]] Count AlarmRig::State::read_and_call(long number, long a, long b, long c) {
    const auto begin = clock.read_in_tries();
    raw_system_call(number, a, b, c);
    if (!begin) unreadable = true;
    return begin ? begin->value : 0;
}

/// Sets the alarm and stops it at once. Returns how far it then still has to count.
tl::expected<std::int64_t, CounterFailure> AlarmRig::State::prepare(Count after) {
    alarm.cancel();
    const auto before = read_event(alarm.descriptor());
    if (!before) return tl::unexpected(before.error());
    came = false;
    if (const auto set = alarm.set(after + preparing); !set) return tl::unexpected(set.error());
    alarm.cancel();
    const auto now = read_event(alarm.descriptor());
    if (!now) return tl::unexpected(now.error());
    return static_cast<std::int64_t>(before->value + after + preparing - now->value);
}

tl::expected<void, CounterFailure> AlarmRig::State::learn() {
    constexpr Count far_away = Count{1} << 40U;
    price_of_a_try = clock.price_of_a_try();
    around = ~Count{0};
    enabling_ns = longest_ns;
    for (int turn = 0; turn < learned_from; ++turn) {
        came = false;
        learning = true;
        const Count begin = read_and_call(SYS_tgkill, getpid(), gettid(), alarm_signal());
        learning = false;
        if (unreadable || !came) return tl::unexpected(CounterFailure{});
        around = std::min(around, came_at - begin);

        preparing = 0;
        const auto left = prepare(far_away);
        if (!left) return tl::unexpected(left.error());
        preparing = far_away - static_cast<Count>(*left);
        const std::int64_t before = monotonic_ns();
        static_cast<void>(enable());
        enabling_ns = std::min(enabling_ns, monotonic_ns() - before);
        alarm.cancel();
    }
    for (const KnownCode& code : known_code()) {
        if (!code.available()) continue;
        constexpr Count turns = 1000;
        const std::int64_t begin = monotonic_ns();
        const auto measured = measure(clock, code, turns);
        const std::int64_t end = monotonic_ns();
        if (!measured) return tl::unexpected(measured.error());
        // What counts nothing there would wait for ever.
        if (measured->count < turns) continue;
        stretches.push_back(
            {.code = &code,
             .ns_per_count = static_cast<double>(end - begin) / static_cast<double>(measured->count)});
    }
    return {};
}

void AlarmRig::State::run_until_it_came(const KnownCode& code, Count begin, Count after) {
    const Count turns = std::clamp<Count>(after / 8, 16, 20'000);
    const std::int64_t begin_ns = monotonic_ns();
    while (!came && !unreadable) {
        code.run(turns);
        const auto now = clock.read();
        if (!now) unreadable = true;
        if (!now || *now - begin > times_as_far * after || monotonic_ns() - begin_ns > longest_ns) break;
    }
}

AlarmRig::AlarmRig(std::unique_ptr<State> state) : state_(std::move(state)) {}

AlarmRig::~AlarmRig() {
    state_->alarm.cancel();
    state_->handling.reset();
    sampling = nullptr;
}

bool AlarmRig::is_for(const Event& clock, const Event& alarm) const {
    return state_->clock_event.code == clock.code && state_->alarm_event.code == alarm.code;
}

tl::expected<std::unique_ptr<AlarmRig>, std::string> AlarmRig::open(const Event& clock, const Event& alarm) {
    auto counter = Counter::open(clock.code);
    if (!counter) return tl::unexpected(explain(counter.error(), clock));
    auto opened = Alarm::open(alarm.code, alarm_signal());
    if (!opened) return tl::unexpected(explain(opened.error(), alarm));
    std::unique_ptr<AlarmRig> rig(
        new AlarmRig(std::make_unique<State>(clock, alarm, std::move(*counter), std::move(*opened))));
    State& state = *rig->state_;
    sampling = &state;
    state.handling.emplace(alarm_signal(), State::on_signal);
    if (const auto learned = state.learn(); !learned) {
        return tl::unexpected(explain(learned.error(), alarm));
    }
    if (state.stretches.empty()) {
        return tl::unexpected(clock.name +
                              " counts nothing of any known code, so no alarm can be judged by it");
    }
    return rig;
}

tl::expected<Workbench::AlarmSample, std::string> AlarmRig::sample(Count after) {
    constexpr int attempts = 100;
    State& state = *state_;
    if (after == 0) return tl::unexpected<std::string>("an alarm is set for at least 1");
    const Stretch& stretch = state.stretches[state.next++ % state.stretches.size()];
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto left = state.prepare(after);
        if (!left) return tl::unexpected(explain(left.error(), state.alarm_event));
        // Disturbed, or that of the one before has come only now.
        if (state.came || *left < 1) {
            if (state.came) state.alarm.spent();
            continue;
        }
        const auto wanted = static_cast<Count>(*left);
        const std::int64_t begin_ns = monotonic_ns();
        const Count begin = state.enable();
        state.run_until_it_came(*stretch.code, begin, wanted);
        state.alarm.cancel();
        if (state.unreadable) {
            return tl::unexpected(state.clock_event.name + " could not be read while the alarm was awaited");
        }
        if (!state.came) return Workbench::AlarmSample{};
        state.alarm.spent();
        const double due_ns = stretch.ns_per_count * static_cast<double>(wanted);
        const std::int64_t passed_ns = state.came_ns - begin_ns - state.enabling_ns;
        return Workbench::AlarmSample{
            .came = true,
            .late = static_cast<std::int64_t>(state.came_at - begin - state.around - wanted),
            .latency_ns = std::max<std::int64_t>(0, passed_ns - static_cast<std::int64_t>(due_ns))};
    }
    return tl::unexpected(state.alarm_event.name + " comes before it can be awaited, set for " +
                          std::to_string(after));
}

}  // namespace escapement
