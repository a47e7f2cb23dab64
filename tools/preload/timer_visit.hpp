#pragma once
// A program's call that sets or asks a timer.

#include "runtime.hpp"

namespace escapement::preload {

class TimerVisit {
  public:
    TimerVisit();
    /// True if the call is for us to answer, in virtual time; else the real function does.
    [[nodiscard]] bool ours() const { return ours_; }
    /// One operation; none in a handler that runs while everybody waits.
    void operation() const;

  private:
    Entry entry_;
    bool ours_;
};

}  // namespace escapement::preload
