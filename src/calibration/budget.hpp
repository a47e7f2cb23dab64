#pragma once
// The time that a calibration may take, shared out.
//
// Steps are announced with weights before they begin. Each gets its share of what is left: what one does not
// use goes to those that follow, and one that takes too long takes it from them. A step looks at the time
// before every single measurement, so that the whole is late by one of them at most.

#include <escapement/calibration.hpp>

namespace escapement::calibration {

class Budget {
  public:
    Budget(Workbench& workbench, std::int64_t total_ns,
           std::function<void(const CalibrationProgress&)> progress);

    void announce(double weight) { announced_ += weight; }
    /// What was announced with that weight will not be done.
    void drop(double weight) { announced_ -= weight; }
    /// The step that was announced with that weight begins; all of its time ends with the next one's
    /// beginning.
    void begin(const std::string& doing, double weight);
    /// The time of the step that began last is up.
    [[nodiscard]] bool up() const { return workbench_.now_ns() >= deadline_; }
    /// Shares out the step's time among `parts` that are still to come; `up` then speaks of the first.
    void part(std::size_t parts);

  private:
    Workbench& workbench_;
    std::function<void(const CalibrationProgress&)> progress_;
    std::int64_t begin_;
    std::int64_t end_;
    std::int64_t step_end_;
    std::int64_t deadline_;
    double announced_ = 0;  ///< in all, less what is dropped
    double begun_ = 0;
};

}  // namespace escapement::calibration
