#pragma once
// What a host may do to a run that must not change it.

#include "recording.hpp"

#include <memory>

namespace escapement::qemu_tests {

/// stress-ng, as long as the object lives; null, and says why, if there is none.
std::unique_ptr<Process> begin_load();

/// SIGSTOP and SIGCONT at random moments, until the process ends.
void stop_and_continue(Process& process);

/// Each run in another directory, with another size of its environment, bound to one CPU or not.
class Disturbances {
  public:
    Adjust adjust();

  private:
    unsigned runs_ = 0;
};

}  // namespace escapement::qemu_tests
