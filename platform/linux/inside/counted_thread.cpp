// The clock of a counted thread, and its way to a boundary. What is learned of signals' costs is in
// counted_thread_costs.cpp, the signals themselves in counted_thread_signals.cpp.

#include "counted_thread_costs.hpp"
#include "raw_system_call.hpp"
#include "signal_actions.hpp"

#include <escapement/counted_thread.hpp>
#include <escapement/interruption.hpp>

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

namespace escapement {

namespace {

// Between resume()'s last reading and the program lie the caller's own instructions, and those of the signal
// that begins to step: a boundary among them could not be told from a missed one.
constexpr Count shortest_run = 1024;

}  // namespace

CountedThread::CountedThread(const CountedThreadOptions& options, BoundaryListener& listener)
    : options_(options), listener_(listener) {}

CountedThread::~CountedThread() {
    end();
}

tl::expected<void, CounterFailure> CountedThread::begin() {
    // Without handlers the first signal would end the process.
    if (!action_of(SIGTRAP).has_handler() || !action_of(options_.alarm_signal).has_handler())
        return tl::unexpected(CounterFailure{.refusal = Refusal::other, .error = EINVAL});
    auto stepper = Stepper::open();
    if (!stepper) return tl::unexpected(stepper.error());
    stepper_.emplace(std::move(*stepper));
    if (!options_.stepped) {
        auto counter = Counter::open(options_.clock);
        if (!counter) return tl::unexpected(counter.error());
        counter_.emplace(std::move(*counter));
        auto alarm = Alarm::open(options_.alarm, options_.alarm_signal);
        if (!alarm) return tl::unexpected(alarm.error());
        alarm_.emplace(std::move(*alarm));
        // The kernel says only by reading that it cannot keep them counting.
        if (const auto count = counter_->read_by_call(); !count) return tl::unexpected(count.error());
    }
    thread_id_ = static_cast<int>(raw_system_call(SYS_gettid));
    enter();
    if (!options_.stepped && !learn()) return tl::unexpected(CounterFailure{});
    handlers_ = 0;
    excluded_ = 0;
    paused_at_ = net(Side::entering);
    excluded_ = paused_at_;  // the clock begins at 0
    return {};
}

void CountedThread::end() {
    if (!counter_ && !stepper_) return;
    if (!paused_) pause();
    // One that comes after leave() would be nobody's, and end the process.
    if (alarm_) alarm_->cancel();
    leave();
    alarm_.reset();
    counter_.reset();
    stepper_.reset();
}

/// Without the handlers' counts. A handler may come between the two: then once more. Where the thread's own
/// code ends, what was repeated for that or for the kernel is left out, so that the result is the same
/// whether or not anything came; where its code begins again, that lies before it anyway.
Count CountedThread::net(Side side, unsigned extra_tries) {
    Count value = 0;
    Count again = 0;
    unsigned tries = 0;
    for (;;) {
        const Count handlers = handlers_;
        value = raw(again) - handlers;
        ++tries;
        // Both ways round are equally long, or what is learned from one would not do for the other.
        unsigned disturbed = handlers != handlers_ ? 1 : 0;
        unsigned wanted = tries <= extra_tries ? 1 : 0;
        asm volatile("" : "+r"(disturbed), "+r"(wanted));
        if ((disturbed | wanted) == 0) break;
    }
    if (side == Side::leaving) return value;
    return value - (tries - 1) * costs_.extra_try - again * costs_.extra_try_of_page;
}

Count CountedThread::clock() {
    return (paused_ ? paused_at_ : net(Side::entering)) - excluded_;
}

tl::expected<Count, CounterFailure> CountedThread::clock_from_elsewhere() const {
    if (options_.stepped) return stepped_ - excluded_;
    const auto count = counter_->read_from_elsewhere();
    if (!count) return count;
    return *count - handlers_ - excluded_;
}

void CountedThread::pause() {
    if (paused_) return;
    paused_at_ = net(Side::entering);
    paused_ = true;
    // From here on nothing counts.
    if (stepper_->stepping()) kick();
    const Count clock = paused_at_ - excluded_;
    if (unreadable_) return miss(Miss::Why::unreadable, {.clock = clock});
    if (clock > target_) miss(Miss::Why::lost, {.clock = clock});
}

void CountedThread::resume(Count target) {
    if (!paused_) return;
    const Count clock = paused_at_ - excluded_;
    if (target != no_boundary) target = std::max(target, clock + shortest_run);
    target_ = target;
    resuming_ = true;
    const Approach way = approach(clock, target, options_.margin);
    if (way.move == Approach::Move::alarm && !options_.stepped &&
        !(alarm_set_ && alarm_at_ == clock + way.after)) {
        set_alarm(clock, way.after, 0);
    }
    // The way from the last reading to the program is the same with a boundary and without.
    bool kicks = way.move == Approach::Move::step || options_.stepped;
    asm volatile("" : "+r"(kicks));
    excluded_ = excluded_ + (net(Side::leaving) - paused_at_);
    paused_ = false;
    resuming_ = false;
    if (kicks) kick();
}

void CountedThread::run_until(Count target) {
    pause();
    resume(target);
}

void CountedThread::set_alarm(Count clock, Count after, Count lost_before) {
    const auto set = alarm_->set(after + lost_before);
    if (!set) return miss(Miss::Why::unreadable, {.clock = clock}, set.error());
    alarm_at_ = clock + after;
    alarm_from_ = clock;
    alarm_set_ = true;
}

void CountedThread::stop_stepping(void* context) {
    if (stepper_->stepping()) stepper_->done(context);
}

void CountedThread::step(Count clock, void* context) {
    ++statistics_.steps;
    step_from_ = clock;
    if (!stepper_->step(context))
        miss(Miss::Why::no_step, {.clock = clock, .address = interruption_of(context).address});
}

/// In a handler of ours, while the thread stands still at `clock`: towards the target. `whole_step`: it has
/// just made a step that is more than one count and could not be stopped within.
void CountedThread::go_on(Count clock, void* context, bool whole_step) {
    for (;;) {
        const Approach way =
            approach(clock, target_, options_.stepped || steps_only_ ? no_boundary : options_.margin);
        switch (way.move) {
            case Approach::Move::run:
                if (options_.stepped) return step(clock, context);
                return stop_stepping(context);
            case Approach::Move::alarm:
                stop_stepping(context);
                return set_alarm(clock, way.after, costs_.alarm_exit);
            case Approach::Move::step:
                return step(clock, context);
            case Approach::Move::miss:
                if (whole_step && step_from_ < target_) break;
                stop_stepping(context);
                return miss(Miss::Why::late, {.clock = clock, .address = interruption_of(context).address});
            case Approach::Move::land:
                break;
        }
        ++statistics_.boundaries;
        steps_only_ = false;
        stop_stepping(context);
        // What the listener does is not the thread's own, as if it were between pause() and resume().
        // pause() itself may be what was interrupted, with its reading already made.
        const Count interrupted = paused_at_;
        paused_at_ = clock + excluded_;
        paused_ = true;
        const Count next =
            listener_.at_boundary(*this, {.clock = clock, .address = interruption_of(context).address});
        paused_ = false;
        paused_at_ = interrupted;
        target_ = std::max(next, clock + 1);
        whole_step = false;
    }
}

void CountedThread::miss(Miss::Why why, const Boundary& at, CounterFailure failure) {
    const Miss told{.why = why, .target = target_, .at = at, .failure = failure};
    target_ = no_boundary;
    if (alarm_) alarm_->cancel();
    alarm_set_ = false;
    listener_.missed(*this, told);
}

}  // namespace escapement
