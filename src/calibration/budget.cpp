#include "calibration/budget.hpp"

#include <algorithm>
#include <utility>

namespace escapement::calibration {

Budget::Budget(Workbench& workbench, std::int64_t total_ns,
               std::function<void(const CalibrationProgress&)> progress)
    : workbench_(workbench),
      progress_(std::move(progress)),
      begin_(workbench.now_ns()),
      end_(begin_ + total_ns),
      step_end_(begin_),
      deadline_(begin_) {}

void Budget::begin(const std::string& doing, double weight) {
    const std::int64_t now = workbench_.now_ns();
    const std::int64_t left = std::max<std::int64_t>(end_ - now, 0);
    const double ahead = announced_ - begun_;
    const double share = ahead > 0 ? std::clamp(weight / ahead, 0.0, 1.0) : 1.0;
    deadline_ = step_end_ = now + static_cast<std::int64_t>(static_cast<double>(left) * share);
    const double done = announced_ > 0 ? std::clamp(begun_ / announced_, 0.0, 1.0) : 0;
    begun_ += weight;
    // As long as the rest takes at the speed so far: most steps need less than their share.
    std::int64_t expected = left;
    if (done > 0) {
        const double so_far = static_cast<double>(now - begin_);
        expected = std::min(left, static_cast<std::int64_t>(std::min(so_far / done * (1 - done), 1e18)));
    }
    progress_({.doing = doing, .fraction = done, .left_ns = expected});
}

void Budget::part(std::size_t parts) {
    const std::int64_t now = workbench_.now_ns();
    const std::int64_t left = std::max<std::int64_t>(step_end_ - now, 0);
    deadline_ = now + left / static_cast<std::int64_t>(std::max<std::size_t>(parts, 1));
}

}  // namespace escapement::calibration
