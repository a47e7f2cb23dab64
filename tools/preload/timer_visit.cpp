#include "timer_visit.hpp"

#include "processes.hpp"

namespace escapement::preload {

TimerVisit::TimerVisit()
    : ours_(mode.load(std::memory_order_relaxed) == Mode::ordering && is_own_process() &&
            runtime().settings().virtual_time && (entry_.ordered() || thread_state.handles_for_all)) {}

void TimerVisit::operation() const {
    if (entry_.ordered()) runtime().operation(OperationKind::time, nullptr, false);
}

}  // namespace escapement::preload
