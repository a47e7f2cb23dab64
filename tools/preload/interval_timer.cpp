// The timer of real time that every process has: setitimer(2) and alarm(2).

#include "real.hpp"
#include "runtime.hpp"
#include "signal_timers.hpp"
#include "timer_visit.hpp"
#include "timespecs.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace escapement::preload {

namespace {

/// Never that no time is left of some.
itimerval coarse(const itimerspec& time) {
    const timespec left = time.it_value;
    const long least = left.tv_sec == 0 && left.tv_nsec != 0 ? 1 : 0;
    return {.it_interval = {.tv_sec = time.it_interval.tv_sec, .tv_usec = time.it_interval.tv_nsec / 1000},
            .it_value = {.tv_sec = left.tv_sec, .tv_usec = std::max(left.tv_nsec / 1000, least)}};
}

timespec fine(const timeval& time) {
    return {.tv_sec = time.tv_sec, .tv_nsec = time.tv_usec * 1000};
}

int set(const TimerVisit& visit, const itimerspec& value, itimerspec& before) {
    if (!is_valid(value.it_value) || !is_valid(value.it_interval)) {
        errno = EINVAL;
        return -1;
    }
    visit.operation();
    before = remaining(interval_timer().expiry);
    if (arm(interval_timer(), expiry_of(value, false, CLOCK_MONOTONIC)) == 0) return 0;
    errno = ENOMEM;
    return -1;
}

}  // namespace

void leave_alarm_to_kernel() {
    const itimerval left = coarse(remaining(interval_timer().expiry));
    if (interval_timer().expiry.deadline != no_deadline) real().setitimer(ITIMER_REAL, &left, nullptr);
}

void take_alarm_back() {
    constexpr itimerval none{};
    if (interval_timer().expiry.deadline != no_deadline) real().setitimer(ITIMER_REAL, &none, nullptr);
}

void adopt_alarm() {
    itimerval left{};
    if (!runtime().settings().virtual_time || real().getitimer(ITIMER_REAL, &left) != 0) return;
    if (is_zero(fine(left.it_value))) return;
    const timespec whole{.tv_sec = left.it_value.tv_sec + (left.it_value.tv_usec != 0 ? 1 : 0), .tv_nsec = 0};
    arm(interval_timer(),
        expiry_of({.it_interval = fine(left.it_interval), .it_value = whole}, false, CLOCK_MONOTONIC));
    take_alarm_back();
}

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int setitimer(__itimer_which_t which, const itimerval* value, itimerval* before) noexcept {
    const TimerVisit visit;
    if (which != ITIMER_REAL || !visit.ours()) return real().setitimer(which, value, before);
    itimerspec given{};
    if (value != nullptr)
        given = {.it_interval = fine(value->it_interval), .it_value = fine(value->it_value)};
    itimerspec earlier{};
    const int result = set(visit, given, earlier);
    if (result == 0 && before != nullptr) *before = coarse(earlier);
    return result;
}

ESCAPEMENT_EXPORT int getitimer(__itimer_which_t which, itimerval* value) noexcept {
    const TimerVisit visit;
    if (which != ITIMER_REAL || !visit.ours()) return real().getitimer(which, value);
    visit.operation();
    *value = coarse(remaining(interval_timer().expiry));
    return 0;
}

ESCAPEMENT_EXPORT unsigned alarm(unsigned seconds) noexcept {
    const TimerVisit visit;
    if (!visit.ours()) return real().alarm(seconds);
    itimerspec before{};
    set(visit, {.it_interval = {}, .it_value = {.tv_sec = seconds, .tv_nsec = 0}}, before);
    // Rounded, but never to 0. Source: kernel, kernel/time/itimer.c, alarm_setitimer().
    const timespec left = before.it_value;
    const bool up = left.tv_nsec >= second / 2 || (left.tv_sec == 0 && left.tv_nsec != 0);
    return static_cast<unsigned>(left.tv_sec) + (up ? 1 : 0);
}

ESCAPEMENT_EXPORT useconds_t ualarm(useconds_t first, useconds_t then) noexcept {
    constexpr useconds_t million = 1'000'000;
    const itimerval value{.it_interval = {.tv_sec = then / million, .tv_usec = then % million},
                          .it_value = {.tv_sec = first / million, .tv_usec = first % million}};
    itimerval before{};
    if (setitimer(ITIMER_REAL, &value, &before) != 0) return static_cast<useconds_t>(-1);
    return static_cast<useconds_t>(before.it_value.tv_sec * million + before.it_value.tv_usec);
}
