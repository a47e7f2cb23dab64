#pragma once
// Sampling how late an alarm comes, exactly.
//
// The clock is read, then a system call lets the alarm count, which has been set before: so it begins to
// count with the first instruction after that call. The handler reads the clock first thing. What lies
// between the two readings besides the way to the target is the end of the first reading, the call itself and
// the beginning of the handler; all of it is what a signal costs that the very same call sends at once, and
// that is learned at the beginning. So no count of what lies around the alarm is taken for its lateness,
// whatever the event counts.
//
// Errors: a sentence. Thread safety: one thread, its own; only one of these at a time. Uses the signal
// SIGRTMAX - 4.

#include <escapement/calibration.hpp>

#include <memory>

namespace escapement {

class AlarmRig {
  public:
    static tl::expected<std::unique_ptr<AlarmRig>, std::string> open(const Event& clock, const Event& alarm);
    AlarmRig(const AlarmRig&) = delete;
    AlarmRig& operator=(const AlarmRig&) = delete;
    ~AlarmRig();
    [[nodiscard]] bool is_for(const Event& clock, const Event& alarm) const;
    tl::expected<Workbench::AlarmSample, std::string> sample(Count after);

    struct State;

  private:
    explicit AlarmRig(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace escapement
