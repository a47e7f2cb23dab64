// What a signal costs its thread: the instructions from the kernel's delivery to the handler's first reading
// of the counter, and from its last to the thread's own next instruction. They are the same every time,
// because the same code runs; so they are measured once, on code whose counts are known, and left out of the
// clock.

#include "counted_thread_costs.hpp"

#include <algorithm>
#include <atomic>

namespace escapement {

namespace {

constexpr unsigned nops = 64;
constexpr std::size_t first_step = 2;  // those before may still be in the system call that kicked
constexpr Count shorter_alarm = 3000;
constexpr Count longer_alarm = 9000;
constexpr unsigned longest_wait = 200'000;  // turns of a loop, after which an alarm is held for lost

// No branches: for any event that counts instructions a nop is one, for one that counts branches none.
inline void run_nops() {
    asm volatile(".rept 64\n\tnop\n\t.endr" ::: "memory");
}

}  // namespace

bool CountedThread::learn() {
    costs_ = {};
    handlers_ = 0;
    Learning learning;

    costs_.extra_try_of_page = counter_->price_of_a_try();

    // Reading, and a nop.
    const Count a = net(Side::entering);
    const Count b = net(Side::entering);
    const Count c = net(Side::entering, 8);
    const Count d = net(Side::entering);
    run_nops();
    const Count e = net(Side::entering);
    if (unreadable_) return false;
    const Count reading = b - a;
    costs_.extra_try = (c - b - reading) / 8;
    const Count nop = (e - d - reading) / nops;

    // Signals that are one nop apart.
    learning_ = &learning;
    Count again = 0;
    const Count before = raw(again);
    kick();
    run_nops();
    run_nops();
    learning_ = nullptr;
    if (learning.signals < Learning::most) return false;
    const auto between = [&](std::size_t index) {
        return learning.entries[index + 1] - learning.exits[index] - nop;
    };
    costs_.handler = between(first_step);
    for (std::size_t index = first_step; index + 1 < Learning::most; ++index)
        if (between(index) != costs_.handler) return false;
    costs_.entry = std::min(costs_.handler, learning.entries[0] - before);

    learning.phase = Learning::Phase::alarms;
    learning_ = &learning;
    costs_.alarm_exit = learn_alarm_exit();
    learning_ = nullptr;
    return !unreadable_;
}

/// How much of what an alarm is set for in a handler it counts before the thread goes on. That can be told
/// only where it comes as often as the clock counts, and at once: elsewhere it is taken for nothing, and the
/// alarm comes early by it.
Count CountedThread::learn_alarm_exit() {
    Learning& learning = *learning_;
    paused_at_ = net(Side::leaving);
    excluded_ = paused_at_;
    paused_ = false;
    target_ = clock() + options_.margin + longer_alarm;
    kick();
    for (unsigned turn = 0; turn < longest_wait && learning.alarms < Learning::most_alarms; ++turn)
        asm volatile("" ::: "memory");
    target_ = no_boundary;
    paused_ = true;
    alarm_->cancel();
    alarm_set_ = false;
    if (learning.alarms < Learning::most_alarms) return 0;
    // The kernel may have disturbed one or another: what most say counts.
    for (std::size_t candidate = 0; candidate < Learning::most_alarms; ++candidate) {
        std::size_t equal = 0;
        for (std::size_t index = 0; index < Learning::most_alarms; ++index)
            equal += learning.early[index] == learning.early[candidate] ? 1 : 0;
        if (2 * equal > Learning::most_alarms && learning.early[candidate] > 0)
            return static_cast<Count>(learning.early[candidate]);
    }
    return 0;
}

void CountedThread::learn_from_alarm(Count clock) {
    Learning& learning = *learning_;
    const std::size_t index = learning.alarms;
    if (index >= Learning::most_alarms) return;
    learning.early[index] = static_cast<std::int64_t>(alarm_at_ - clock);
    learning.alarms = index + 1;
    target_ = clock + options_.margin + (index % 2 == 0 ? shorter_alarm : longer_alarm);
}

void CountedThread::learn_from_step(void* context, Count entry) {
    Learning& learning = *learning_;
    const std::size_t index = learning.signals;
    if (index >= Learning::most) return stop_stepping(context);
    learning.entries[index] = entry;
    if (index > 0) learning.exits[index - 1] = exit_;
    learning.signals = index + 1;
    if (index + 1 == Learning::most) {
        stop_stepping(context);
    } else {
        static_cast<void>(stepper_->step(context));
    }
}

}  // namespace escapement
