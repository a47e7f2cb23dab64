// Counting known code, and what reading a counter costs.

#include "calibration/monotonic.hpp"
#include "calibration/workbench.hpp"
#include "counter_checks.hpp"
#include "on_cpu.hpp"

#include <escapement/parking.hpp>

#include <atomic>
#include <system_error>
#include <thread>

namespace escapement {

namespace {

constexpr std::size_t reads_at_once = 32;

/// A thread with a counter of its own, which runs on another CPU if there is one, and waits otherwise.
class OtherThread {
  public:
    OtherThread(const EventCode& event, std::set<unsigned> others) {
        thread_ = std::thread([this, event, others = std::move(others)] { run(event, others); });
        begun_.park();
    }
    ~OtherThread() {
        stopping_ = true;
        end_.unpark();
        thread_.join();
    }
    OtherThread(const OtherThread&) = delete;
    OtherThread& operator=(const OtherThread&) = delete;
    [[nodiscard]] const tl::expected<Counter, CounterFailure>& counter() const { return counter_; }

  private:
    void run(const EventCode& event, const std::set<unsigned>& others) {
        const bool alone = others.empty() || keep_on(others) != 0;
        counter_ = Counter::open(event);
        begun_.unpark();
        if (alone) return end_.park();
        while (!stopping_.load(std::memory_order_relaxed)) {
        }
    }
    std::thread thread_;
    ParkingPlace begun_;
    ParkingPlace end_;
    std::atomic<bool> stopping_{false};
    tl::expected<Counter, CounterFailure> counter_ = tl::unexpected(CounterFailure{});
};

/// Time of a read, and what it adds to `own`; `read` gives false if it fails.
Workbench::Result<Workbench::ReadSample> cost_of(const Counter& own, const Event& event, const auto& read) {
    const auto failure = [&](const CounterFailure& why) { return tl::unexpected(explain(why, event)); };
    const auto empty = own.read();
    const auto before = own.read();
    if (const auto value = read(); !value) return failure(value.error());
    const auto after = own.read();
    if (!empty) return failure(empty.error());
    if (!before) return failure(before.error());
    if (!after) return failure(after.error());
    const std::int64_t begin = monotonic_ns();
    for (std::size_t number = 0; number < reads_at_once; ++number)
        static_cast<void>(read());
    const std::int64_t end = monotonic_ns();
    const auto with = static_cast<double>(*after - *before);
    const auto without = static_cast<double>(*before - *empty);
    return Workbench::ReadSample{.ns = static_cast<double>(end - begin) / reads_at_once,
                                 .counts = with - without};
}

}  // namespace

std::vector<KnownCode> HostWorkbench::codes() {
    const auto all = known_code();
    return {all.begin(), all.end()};
}

Workbench::Result<Workbench::CodeCount> HostWorkbench::count_code(const Event& event, std::size_t code,
                                                                  Count n) {
    const auto all = known_code();
    if (code >= all.size()) return tl::unexpected("there is no known code " + std::to_string(code));
    if (!all[code].available()) {
        return tl::unexpected(std::string("this CPU lacks the instructions of '") + all[code].name + '\'');
    }
    const auto counter = counter_of(event);
    if (!counter) return tl::unexpected(counter.error());
    const auto measured = measure(**counter, all[code], n);
    if (!measured) return tl::unexpected(explain(measured.error(), event));
    return CodeCount{.counted = measured->count, .again = static_cast<std::int64_t>(measured->again)};
}

Workbench::Result<double> HostWorkbench::rate(const Event& event) {
    constexpr Count turns = 20'000;
    const auto counter = counter_of(event);
    if (!counter) return tl::unexpected(counter.error());
    const std::int64_t begin = monotonic_ns();
    const auto measured = measure(**counter, known_code().front(), turns);
    const std::int64_t end = monotonic_ns();
    if (!measured) return tl::unexpected(explain(measured.error(), event));
    if (end <= begin) return tl::unexpected<std::string>("the clock does not get on while code runs");
    return static_cast<double>(measured->count) / static_cast<double>(end - begin);
}

Workbench::Result<Workbench::ReadSample> HostWorkbench::read_cost(const Event& event, ReadWay way) {
    const auto opened = counter_of(event);
    if (!opened) return tl::unexpected(opened.error());
    const Counter& counter = **opened;
    switch (way) {
        case ReadWay::user_space:
            if (!counter.reads_in_user_space()) {
                return tl::unexpected(
                    event.name +
                    " cannot be read in user space here: the kernel does not offer it for this counter "
                    "(x86: /sys/devices/cpu/rdpmc; arm64: sysctl kernel.perf_user_access=1)");
            }
            return cost_of(counter, event, [&] { return counter.read(); });
        case ReadWay::call:
            return cost_of(counter, event, [&] { return counter.read_by_call(); });
        case ReadWay::elsewhere:
            break;
    }
    std::set<unsigned> others = core_;
    others.erase(cpu_);
    try {
        const OtherThread other(event.code, std::move(others));
        if (!other.counter()) return tl::unexpected(explain(other.counter().error(), event));
        return cost_of(counter, event, [&] { return other.counter()->read_from_elsewhere(); });
    } catch (const std::system_error& error) {
        return tl::unexpected(std::string("no other thread can be made: ") + error.what());
    }
}

Workbench::Result<Workbench::Capacity> HostWorkbench::capacity(const Event& event) {
    constexpr std::size_t most = 128;
    close_counters();
    std::vector<Counter> counters;
    while (counters.size() < most) {
        auto next = Counter::open(event.code);
        if (next) {
            counters.push_back(std::move(*next));
            continue;
        }
        if (counters.empty()) return tl::unexpected(explain(next.error(), event));
        return Capacity{.at_once = static_cast<unsigned>(counters.size()),
                        .then = explain(next.error(), event)};
    }
    return Capacity{.at_once = most, .then = "there is room for more: no more were tried"};
}

}  // namespace escapement
