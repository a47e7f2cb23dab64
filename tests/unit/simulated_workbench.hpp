#pragma once
// A host whose counters have known defects, and whose time is as long as the measurements say. The same seed
// gives the same host, measurement by measurement.

#include <escapement/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace escapement::simulated {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {  // splitmix64
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    std::uint64_t below(std::uint64_t end) { return next() % end; }
    /// Above 0, at most 1.
    double real() { return static_cast<double>((next() >> 11U) + 1) * 0x1p-53; }
    bool chance(double probability) { return real() <= probability; }

  private:
    std::uint64_t state_;
};

using Skid = std::function<std::int64_t(Random&)>;

inline Skid constant(std::int64_t skid) {
    return [skid](Random&) { return skid; };
}

struct Defects {
    std::string refusal;
    std::string failed;
    std::map<Disturbance, double> overcount;   ///< for each occurrence
    bool overcount_when_loaded = false;        ///< only then
    std::map<std::string, std::int64_t> bias;  ///< for each thousand rounds of that code
    std::int64_t breaks_after_ns = 0;          ///< from then on it counts one more now and then; 0: never
};

struct SimulatedCounter {
    Event event;
    std::function<std::int64_t(const KnownCounts&)> counts = [](const KnownCounts& known) {
        return known.instructions;
    };
    Defects defects{};
    Skid skid = constant(0);
    Skid skid_when_loaded{};  ///< empty: as always
    double loss = 0;
    Count least_period = 1;
    double rate = 1;
};

inline std::vector<KnownCode> simulated_codes() {
    const auto code = [](const char* name, KnownCounts each, KnownCounts again = {}) {
        return KnownCode{
            .name = name, .run = nullptr, .each = each, .once = {}, .again = again, .available = nullptr};
    };
    return {code("straight line", {.instructions = 66, .taken = 1}),
            code("branches not taken", {.instructions = 7, .taken = 1, .not_taken = 4}),
            code("nested calls", {.instructions = 12, .taken = 1, .jumps = 10}),
            code("locked instructions", {.instructions = 6, .taken = 1}),
            code("exclusive", {.instructions = 6, .taken = 1, .not_taken = 1},
                 {.instructions = 6, .taken = 1, .jumps = 1})};
}

class SimulatedWorkbench : public Workbench {
  public:
    std::vector<SimulatedCounter> counters;
    std::vector<std::string> clocks;  ///< names of the candidates
    std::vector<std::string> alarms;  ///< besides the clock itself
    std::vector<Core> all_cores{{.type = "cpu", .cpus = {0, 1}}};
    std::vector<Disturbance> refused_disturbances;
    bool costs_refused = false;
    std::int64_t each_takes_ns = 10'000;
    std::int64_t most_at_once_ns = 0;  ///< what the longest single measurement took
    std::uint64_t measurements = 0;

    explicit SimulatedWorkbench(std::uint64_t seed = 1) : random_(seed) {}

    SimulatedCounter& add(const std::string& name, bool clock = true) {
        counters.push_back({.event = {.name = name, .code = {.type = 4, .config = counters.size() + 1}}});
        (clock ? clocks : alarms).push_back(name);
        return counters.back();
    }

    Fingerprint fingerprint() override {
        return {.architecture = "x86_64",
                .cpu = "Simulated",
                .cpu_identity = "1-2-3",
                .microcode = "0x1",
                .kernel = "6.1",
                .hypervisor = "",
                .core_types = {"cpu"}};
    }
    std::vector<Core> cores() override { return all_cores; }
    Result<void> go_to(const Core&) override { return {}; }
    void load(bool on) override { loaded_ = on; }
    std::vector<Event> clock_candidates() override { return events(clocks); }
    std::vector<Event> alarm_candidates(const Event& clock) override {
        auto list = events(alarms);
        list.insert(list.begin(), clock);
        return list;
    }
    Result<Event> find(const std::string& name) override {
        for (const SimulatedCounter& counter : counters) {
            if (counter.event.name == name) return counter.event;
        }
        return tl::unexpected(name + ": there is no such event");
    }
    Result<void> try_open(const Event& event) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        return {};
    }
    Result<std::string> self_check(const Event& event) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        return (*counter)->defects.failed;
    }
    std::vector<KnownCode> codes() override { return simulated_codes(); }
    Result<CodeCount> count_code(const Event& event, std::size_t code, Count n) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        static const auto all = simulated_codes();
        const KnownCode& known = all.at(code);
        const std::int64_t again =
            known.again == KnownCounts{} ? 0 : static_cast<std::int64_t>(random_.below(3));
        const auto of = (*counter)->counts;
        std::int64_t counted = 7 + of(known.each) * static_cast<std::int64_t>(n) + of(known.again) * again;
        if (of(known.each) == 0) counted = 0;
        const Defects& defects = (*counter)->defects;
        if (const auto bias = defects.bias.find(known.name); bias != defects.bias.end())
            counted += bias->second * static_cast<std::int64_t>(n) / 1000;
        if (broken(defects) && random_.chance(0.1)) ++counted;
        take(static_cast<std::int64_t>(n) * 20);
        return CodeCount{.counted = static_cast<Count>(counted), .again = again};
    }
    Result<DisturbedCount> count_disturbed(const Event& event, Disturbance cause, unsigned times) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        if (std::find(refused_disturbances.begin(), refused_disturbances.end(), cause) !=
            refused_disturbances.end())
            return tl::unexpected(std::string("not here"));
        const std::uint64_t occurrences =
            times + (cause == Disturbance::timer_interrupt ? random_.below(2) : 0);
        Count counted = 10'000;
        const Defects& defects = (*counter)->defects;
        const auto more = defects.overcount.find(cause);
        if (more != defects.overcount.end() && (loaded_ || !defects.overcount_when_loaded)) {
            for (std::uint64_t each = 0; each < occurrences; ++each)
                counted +=
                    static_cast<Count>(more->second) + (random_.chance(std::fmod(more->second, 1)) ? 1U : 0U);
        }
        take(cause == Disturbance::timer_interrupt ? 1'000'000 * times : 1000 * times);
        return DisturbedCount{.counted = counted, .occurrences = occurrences};
    }
    Result<ReadSample> read_cost(const Event& event, ReadWay way) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        take(0);
        return ReadSample{
            .ns = way == ReadWay::user_space ? 10.0 : 300.0 + static_cast<double>(random_.below(20)),
            .counts = 4};
    }
    Result<AlarmSample> sample_alarm(const Event& clock, const Event& alarm, Count after) override {
        const auto counter = opened(alarm);
        if (!counter) return tl::unexpected(counter.error());
        if (const auto other = opened(clock); !other) return tl::unexpected(other.error());
        const bool loses = after < (*counter)->least_period || random_.chance((*counter)->loss);
        take(static_cast<std::int64_t>(after) * (loses ? 100 : 1));
        if (loses) return AlarmSample{};
        const Skid& skid =
            loaded_ && (*counter)->skid_when_loaded ? (*counter)->skid_when_loaded : (*counter)->skid;
        return AlarmSample{.came = true, .late = skid(random_), .latency_ns = 2000};
    }
    Result<Capacity> capacity(const Event& event) override {
        if (const auto counter = opened(event); !counter) return tl::unexpected(counter.error());
        take(0);
        return Capacity{.at_once = 6, .then = "end of file"};
    }
    Result<double> rate(const Event& event) override {
        const auto counter = opened(event);
        if (!counter) return tl::unexpected(counter.error());
        take(1000);
        return (*counter)->rate * (1 + 0.001 * random_.real());
    }
    Result<double> trap_flag_step() override { return cost(12'000); }
    Result<double> breakpoint_step() override { return cost(4000); }
    Result<double> signal_cost() override { return cost(1000); }
    Result<double> operation_cost() override { return cost(50); }
    Result<double> timer_lateness() override { return cost(4'000'000); }
    std::int64_t now_ns() override { return now_; }

  private:
    std::vector<Event> events(const std::vector<std::string>& names) {
        std::vector<Event> list;
        list.reserve(names.size());
        for (const std::string& name : names)
            list.push_back(*find(name));
        return list;
    }
    Result<const SimulatedCounter*> opened(const Event& event) {
        for (const SimulatedCounter& counter : counters) {
            if (counter.event.code != event.code) continue;
            if (!counter.defects.refusal.empty()) return tl::unexpected(counter.defects.refusal);
            return &counter;
        }
        return tl::unexpected(std::string("there is no such counter"));
    }
    [[nodiscard]] bool broken(const Defects& defects) const {
        return defects.breaks_after_ns != 0 && now_ >= defects.breaks_after_ns;
    }
    Result<double> cost(double ns) {
        if (costs_refused) return tl::unexpected(std::string("not here"));
        take(static_cast<std::int64_t>(ns));
        return ns * (1 + 0.1 * random_.real());
    }
    void take(std::int64_t ns) {
        ++measurements;
        now_ += each_takes_ns + ns;
        most_at_once_ns = std::max(most_at_once_ns, each_takes_ns + ns);
    }

    Random random_;
    std::int64_t now_ = 1'000'000'000;
    bool loaded_ = false;
};

inline Profile calibrated(Workbench& workbench,
                          CalibrationOptions::Effort effort = CalibrationOptions::Effort::quick) {
    auto profile = calibrate(workbench, {.effort = effort, .cpus = {}, .events = {}}, {});
    return profile ? *profile : Profile{};
}

}  // namespace escapement::simulated
