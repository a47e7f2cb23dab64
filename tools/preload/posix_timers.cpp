// timer_create(2) and its like. Timers of processors' time stay the kernel's.

#include "real.hpp"
#include "signal_timers.hpp"
#include "timer_calls.hpp"
#include "timer_visit.hpp"
#include "timespecs.hpp"

#include <cerrno>

namespace escapement::preload {

namespace {

int failure(int error) {
    errno = error;
    return -1;
}

bool is_virtual(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_TAI;
}

/// False if there is no such notification.
bool read_event(const sigevent& event, SignalTimer& timer) {
    timer.notify = event.sigev_notify;
    timer.value = event.sigev_value;
    switch (event.sigev_notify) {
        case SIGEV_NONE:
            return true;
        case SIGEV_THREAD:
            timer.function = event.sigev_notify_function;
            if (event.sigev_notify_attributes != nullptr)
                pthread_attr_getstacksize(event.sigev_notify_attributes, &timer.stack_size);
            return true;
        case SIGEV_THREAD_ID:
            timer.thread = event._sigev_un._tid;
            [[fallthrough]];
        case SIGEV_SIGNAL:
            timer.signal = event.sigev_signo;
            return timer.signal > 0 && timer.signal <= SIGRTMAX;
        default:
            return false;
    }
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int timer_create(clockid_t clock, sigevent* event, timer_t* handle) noexcept {
    {
        const TimerVisit visit;
        if (!visit.ours() || !is_virtual(clock)) return real().timer_create(clock, event, handle);
        visit.operation();
    }
    SignalTimer timer;
    timer.clock = clock;
    if (event != nullptr && !read_event(*event, timer)) return failure(EINVAL);
    if (timer.notify == SIGEV_THREAD && expect_timer_calls() != 0) return failure(EAGAIN);
    const TimerVisit visit;
    SignalTimer* const made = make_timer(timer);
    if (made == nullptr) return failure(EAGAIN);
    *handle = handle_of(*made);
    if (event == nullptr) made->value.sival_ptr = *handle;
    return 0;
}

ESCAPEMENT_EXPORT int timer_settime(timer_t handle, int flags, const itimerspec* value,
                                    itimerspec* before) noexcept {
    const TimerVisit visit;
    SignalTimer* const timer = visit.ours() ? find_timer(handle) : nullptr;
    if (timer == nullptr) return real().timer_settime(handle, flags, value, before);
    if (value == nullptr || !is_valid(value->it_value) || !is_valid(value->it_interval))
        return failure(EINVAL);
    visit.operation();
    if (before != nullptr) *before = remaining(timer->expiry);
    const Expiry expiry = expiry_of(*value, (flags & TIMER_ABSTIME) != 0, timer->clock);
    return arm(*timer, expiry) == 0 ? 0 : failure(ENOMEM);
}

ESCAPEMENT_EXPORT int timer_gettime(timer_t handle, itimerspec* value) noexcept {
    const TimerVisit visit;
    const SignalTimer* const timer = visit.ours() ? find_timer(handle) : nullptr;
    if (timer == nullptr) return real().timer_gettime(handle, value);
    visit.operation();
    *value = remaining(timer->expiry);
    return 0;
}

ESCAPEMENT_EXPORT int timer_getoverrun(timer_t handle) noexcept {
    const TimerVisit visit;
    const SignalTimer* const timer = visit.ours() ? find_timer(handle) : nullptr;
    return timer != nullptr ? timer->overrun : real().timer_getoverrun(handle);
}

ESCAPEMENT_EXPORT int timer_delete(timer_t handle) noexcept {
    const TimerVisit visit;
    SignalTimer* const timer = visit.ours() ? find_timer(handle) : nullptr;
    if (timer == nullptr) return real().timer_delete(handle);
    visit.operation();
    delete_timer(*timer);
    return 0;
}
