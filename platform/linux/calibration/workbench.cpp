#include "calibration/workbench.hpp"

#include "calibration/monotonic.hpp"
#include "on_cpu.hpp"

#include <escapement/counter_check.hpp>
#include <escapement/placement.hpp>

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace escapement {

std::unique_ptr<Workbench> host_workbench() {
    return std::make_unique<HostWorkbench>();
}

HostWorkbench::HostWorkbench() {
    if (const int cpu = sched_getcpu(); cpu >= 0) cpu_ = static_cast<unsigned>(cpu);
    allowed_ = allowed_cpus().value_or(std::set<unsigned>{cpu_});
    core_ = allowed_;
}

HostWorkbench::~HostWorkbench() {
    load_.stop();
    keep_on(allowed_);
}

std::vector<Workbench::Core> HostWorkbench::cores() {
    std::vector<Core> found;
    for (const CorePmu& pmu : read_host_facts().core_pmus) {
        Core core{.type = pmu.name, .cpus = {}};
        for (const unsigned cpu : allowed_) {
            if (pmu.cpus.empty() || pmu.cpus.contains(cpu)) core.cpus.push_back(cpu);
        }
        if (!core.cpus.empty()) found.push_back(std::move(core));
    }
    if (found.empty()) found.push_back({.type = "cpu", .cpus = {allowed_.begin(), allowed_.end()}});
    return found;
}

Workbench::Result<void> HostWorkbench::go_to(const Core& core) {
    std::set<unsigned> usable;
    for (const unsigned cpu : core.cpus) {
        if (allowed_.contains(cpu)) usable.insert(cpu);
    }
    if (usable.empty()) {
        return tl::unexpected("none of the CPUs of " + core.type +
                              " can be used: " + describe_allowed(allowed_));
    }
    // The lowest ones usually serve the host's interrupts.
    const unsigned cpu = *usable.rbegin();
    close_counters();
    if (const int error = keep_on(cpu); error != 0) {
        return tl::unexpected("cannot go to CPU " + std::to_string(cpu) + " of " + core.type + ": " +
                              std::strerror(error));
    }
    core_ = std::move(usable);
    cpu_ = cpu;
    if (loaded_) load_.start(cpu_, allowed_);
    return {};
}

void HostWorkbench::load(bool on) {
    loaded_ = on;
    if (on) {
        load_.start(cpu_, allowed_);
    } else {
        load_.stop();
    }
}

Workbench::Result<void> HostWorkbench::try_open(const Event& event) {
    const auto counter = counter_of(event);
    if (!counter) return tl::unexpected(counter.error());
    return {};
}

Workbench::Result<std::string> HostWorkbench::self_check(const Event& clock) {
    close_counters();
    const auto report = check_clock(clock);
    if (!report) return tl::unexpected(explain(report.error(), clock));
    return report->failure();
}

Workbench::Result<const Counter*> HostWorkbench::counter_of(const Event& event) {
    if (counter_ && counted_ == event.code) return &*counter_;
    close_counters();
    auto counter = Counter::open(event.code);
    if (!counter) return tl::unexpected(explain(counter.error(), event));
    counter_.emplace(std::move(*counter));
    counted_ = event.code;
    price_of_a_try_ = counter_->price_of_a_try();
    return &*counter_;
}

void HostWorkbench::close_counters() {
    rig_.reset();
    counter_.reset();
    counted_.reset();
}

Workbench::Result<Workbench::DisturbedCount> HostWorkbench::count_disturbed(const Event& event,
                                                                            Disturbance cause,
                                                                            unsigned times) {
    const auto counter = counter_of(event);
    if (!counter) return tl::unexpected(counter.error());
    return count_disturbed_by(cause, times, event, **counter, price_of_a_try_, cpu_, core_);
}

Workbench::Result<Workbench::AlarmSample> HostWorkbench::sample_alarm(const Event& clock, const Event& alarm,
                                                                      Count after) {
    if (!rig_ || !rig_->is_for(clock, alarm)) {
        close_counters();
        auto rig = AlarmRig::open(clock, alarm);
        if (!rig) return tl::unexpected(rig.error());
        rig_ = std::move(*rig);
    }
    return rig_->sample(after);
}

std::int64_t HostWorkbench::now_ns() {
    return monotonic_ns();
}

}  // namespace escapement
