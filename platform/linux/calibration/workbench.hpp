#pragma once
// The workbench of this host: single measurements by real counters, signals and threads.
//
// It keeps one counter open between measurements, because opening one costs more than most of them; whatever
// needs all of them for itself, or moves to another core, gives it up first.

#include "calibration/alarm_rig.hpp"
#include "calibration/load.hpp"

#include <escapement/calibration.hpp>
#include <escapement/host_facts.hpp>

#include <optional>

namespace escapement {

class HostWorkbench final : public Workbench {
  public:
    HostWorkbench();
    ~HostWorkbench() override;

    Fingerprint fingerprint() override { return host_fingerprint(); }
    std::vector<Core> cores() override;
    Result<void> go_to(const Core& core) override;
    void load(bool on) override;
    std::vector<Event> clock_candidates() override { return escapement::clock_candidates(); }
    std::vector<Event> alarm_candidates(const Event& clock) override {
        return escapement::alarm_candidates(clock);
    }
    Result<Event> find(const std::string& name) override { return find_event(name); }
    Result<void> try_open(const Event& event) override;
    Result<std::string> self_check(const Event& clock) override;

    std::vector<KnownCode> codes() override;
    Result<CodeCount> count_code(const Event& event, std::size_t code, Count n) override;
    Result<DisturbedCount> count_disturbed(const Event& event, Disturbance cause, unsigned times) override;
    Result<ReadSample> read_cost(const Event& event, ReadWay way) override;
    Result<AlarmSample> sample_alarm(const Event& clock, const Event& alarm, Count after) override;
    Result<Capacity> capacity(const Event& event) override;
    Result<double> rate(const Event& event) override;

    Result<double> trap_flag_step() override;
    Result<double> breakpoint_step() override;
    Result<double> signal_cost() override;
    Result<double> operation_cost() override;
    Result<double> timer_lateness() override;
    std::int64_t now_ns() override;

  private:
    /// The counter of `event` on the calling thread, opened if it is not there.
    Result<const Counter*> counter_of(const Event& event);
    void close_counters();

    std::set<unsigned> allowed_;  ///< as it was at the beginning
    std::set<unsigned> core_;     ///< of the core type that it was last sent to
    unsigned cpu_ = 0;
    bool loaded_ = false;
    Load load_;
    std::optional<EventCode> counted_;
    std::optional<Counter> counter_;
    Count price_of_a_try_ = 0;
    std::unique_ptr<AlarmRig> rig_;
};

/// One stretch of the measurements of disturbed.cpp, on the CPU `own` of a core type that has the CPUs
/// `core`. `price_of_a_try`: of `counter`.
Workbench::Result<Workbench::DisturbedCount> count_disturbed_by(Disturbance cause, unsigned times,
                                                                const Event& event, const Counter& counter,
                                                                Count price_of_a_try, unsigned own,
                                                                const std::set<unsigned>& core);

}  // namespace escapement
