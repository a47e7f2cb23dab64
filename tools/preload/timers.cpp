#include "timers.hpp"

#include "descriptors.hpp"
#include "expiry.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "timer_visit.hpp"
#include "timespecs.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace escapement::preload {

namespace {

struct Timer {
    int descriptor;
    clockid_t clock;
    Expiry expiry;
};

// Those from here on are the kernel's. Belongs to the turn.
constexpr std::size_t most_timers = 1024;
Timer timers[most_timers];
std::size_t timer_count = 0;

bool is_there(const Timer& timer) {
    return is_descriptor(timer.descriptor, DescriptorKind::timer);
}

Timer* find_timer(int descriptor) {
    if (!is_descriptor(descriptor, DescriptorKind::timer)) return nullptr;
    Timer* const end = timers + timer_count;
    Timer* const found =
        std::find_if(timers, end, [&](const Timer& each) { return each.descriptor == descriptor; });
    return found != end ? found : nullptr;
}

/// Whether the timer could be noted.
bool add_timer(int descriptor, clockid_t clock) {
    // Closed ones, among them an earlier one of the same number.
    timer_count = static_cast<std::size_t>(
        std::remove_if(timers, timers + timer_count,
                       [&](const Timer& each) { return each.descriptor == descriptor || !is_there(each); }) -
        timers);
    if (timer_count == most_timers) return false;
    timers[timer_count++] = {.descriptor = descriptor, .clock = clock, .expiry = {}};
    note_descriptor(descriptor, DescriptorKind::timer);
    return true;
}

void fire(Timer& timer, Nanoseconds now) {
    const std::uint64_t times = pass(timer.expiry, now);
    const int saved = errno;
    [[maybe_unused]] const ssize_t written = real().write(timer.descriptor, &times, sizeof times);
    errno = saved;
}

/// What has fired and was not read is forgotten.
void drain(const Timer& timer) {
    pollfd readable{.fd = timer.descriptor, .events = POLLIN, .revents = 0};
    std::uint64_t times = 0;
    const int saved = errno;
    if (real().poll(&readable, 1, 0) == 1) {
        [[maybe_unused]] const ssize_t got = real().read(timer.descriptor, &times, sizeof times);
    }
    errno = saved;
}

int failure(int error) {
    errno = error;
    return -1;
}

}  // namespace

void schedule_timers() {
    Nanoseconds next = next_signal_timer();
    for (std::size_t index = 0; index < timer_count; ++index)
        if (is_there(timers[index])) next = std::min(next, timers[index].expiry.deadline);
    runtime().order().set_alarm(next, signal_timers_may_help());
}

void fire_timers(Nanoseconds now) {
    fire_signal_timers(now);
    for (std::size_t index = 0; index < timer_count; ++index)
        if (timers[index].expiry.deadline <= now && is_there(timers[index])) fire(timers[index], now);
    schedule_timers();
}

void forget_timers() {
    for (std::size_t index = 0; index < timer_count; ++index)
        timers[index].expiry.deadline = no_deadline;
    forget_signal_timers();
    schedule_timers();
}

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int timerfd_create(int clock, int flags) noexcept {
    const TimerVisit visit;
    const bool known = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
    if (!visit.ours() || !known || (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) != 0)
        return real().timerfd_create(clock, flags);
    static_assert(int{TFD_NONBLOCK} == int{EFD_NONBLOCK} && int{TFD_CLOEXEC} == int{EFD_CLOEXEC});
    const int descriptor = real().eventfd(0, flags);
    if (descriptor < 0 || add_timer(descriptor, clock)) return descriptor;
    real().close(descriptor);
    return real().timerfd_create(clock, flags);
}

ESCAPEMENT_EXPORT int timerfd_settime(int descriptor, int flags, const itimerspec* value,
                                      itimerspec* before) noexcept {
    const TimerVisit visit;
    Timer* const timer = visit.ours() ? find_timer(descriptor) : nullptr;
    if (timer == nullptr) return real().timerfd_settime(descriptor, flags, value, before);
    if (!is_valid(value->it_value) || !is_valid(value->it_interval)) return failure(EINVAL);
    visit.operation();
    Runtime& domain = runtime();
    if (before != nullptr) *before = remaining(timer->expiry);
    drain(*timer);
    timer->expiry = expiry_of(*value, (flags & TFD_TIMER_ABSTIME) != 0, timer->clock);
    fire_timers(domain.now());
    // Should somebody sleep for it in a way that nobody orders, the keeper sees that.
    if (domain.start_keeper() != 0) return failure(ENOMEM);
    return 0;
}

ESCAPEMENT_EXPORT int timerfd_gettime(int descriptor, itimerspec* value) noexcept {
    const TimerVisit visit;
    const Timer* const timer = visit.ours() ? find_timer(descriptor) : nullptr;
    if (timer == nullptr) return real().timerfd_gettime(descriptor, value);
    visit.operation();
    *value = remaining(timer->expiry);
    return 0;
}
