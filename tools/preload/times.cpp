// What time it is, and waiting for a time.

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "timespecs.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace escapement::preload {

namespace {

/// The time by `clock`. A read by a participant is an ordered operation; by anybody else (a signal handler, a
/// thread that runs without the turn) it is not.
timespec read_clock(const Entry& entry, clockid_t clock) {
    Runtime& domain = runtime();
    if (!entry.ordered()) return domain.time_of(clock, domain.now_unordered());
    domain.operation(OperationKind::time, nullptr, qemu_may_stop());
    return domain.time_of(clock, domain.ask_time());
}

/// The host's, which a replay has from the journal.
int read_real_clock(const Entry& entry, clockid_t clock, timespec* time) {
    const int result = real().clock_gettime(clock, time);
    if (!entry.ordered() || journaling == Journaling::off || result != 0) return result;
    journal_operation(OperationKind::time, 0);
    outside_bytes(no_descriptor, time, sizeof *time);
    return result;
}

bool has_time() {
    return mode.load(std::memory_order_relaxed) == Mode::ordering;
}

/// Sleeps until `deadline`; true if a signal handler ended it.
bool sleep_in_order(Nanoseconds deadline) {
    Runtime& domain = runtime();
    domain.operation(OperationKind::sleep, nullptr, false);
    PollRequest nothing;
    bool signalled = false;
    const CancellationPoint point;
    domain.expect_signals();
    domain.poll("a time", nothing, deadline, signalled);
    return signalled && domain.now() < deadline;
}

timespec left_until(Nanoseconds deadline) {
    const Nanoseconds left = deadline - runtime().now();
    if (left <= 0) return {};
    return timespec_of(left);
}

}  // namespace

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT int clock_gettime(clockid_t clock, timespec* time) noexcept {
    const Entry entry;
    if (!has_time() || clock < 0 || clock > CLOCK_TAI || !runtime().settings().virtual_time)
        return read_real_clock(entry, clock, time);
    *time = read_clock(entry, clock);
    return 0;
}

ESCAPEMENT_EXPORT int gettimeofday(timeval* time, void* zone) noexcept {
    const Entry entry;
    if (!has_time()) return real().gettimeofday(time, zone);
    timespec now{};
    if (runtime().settings().virtual_time) {
        now = read_clock(entry, CLOCK_REALTIME);
    } else if (read_real_clock(entry, CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

ESCAPEMENT_EXPORT int timespec_get(timespec* time, int base) noexcept {
    if (base != TIME_UTC) return 0;
    return clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0;
}

ESCAPEMENT_EXPORT clock_t clock() noexcept {
    timespec time{};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) return -1;
    return time.tv_sec * CLOCKS_PER_SEC + time.tv_nsec / (second / CLOCKS_PER_SEC);
}

ESCAPEMENT_EXPORT time_t time(time_t* to) noexcept {
    const Entry entry;
    if (!has_time()) return real().time(to);
    timespec now{};
    if (runtime().settings().virtual_time) {
        now = read_clock(entry, CLOCK_REALTIME);
    } else if (read_real_clock(entry, CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    if (to != nullptr) *to = now.tv_sec;
    return now.tv_sec;
}

ESCAPEMENT_EXPORT int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
    int result = 0;
    {
        const Entry entry;
        if (!entry.ordered()) return real().clock_nanosleep(clock, flags, time, left);
        if (!is_valid(*time)) return EINVAL;
        Runtime& domain = runtime();
        const bool absolute = (flags & TIMER_ABSTIME) != 0;
        const auto deadline = absolute ? domain.deadline_of(clock, *time) : domain.deadline_in(*time);
        if (sleep_in_order(deadline)) {
            if (!absolute && left != nullptr) *left = left_until(deadline);
            result = EINTR;
        }
    }
    pthread_testcancel();
    return result;
}

ESCAPEMENT_EXPORT int nanosleep(const timespec* time, timespec* left) {
    {
        const Entry entry;
        if (!entry.ordered()) return real().nanosleep(time, left);
    }
    const int result = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
    if (result == 0) return 0;
    errno = result;
    return -1;
}

ESCAPEMENT_EXPORT int usleep(useconds_t microseconds) {
    const timespec time{.tv_sec = microseconds / 1'000'000, .tv_nsec = long{microseconds % 1'000'000} * 1000};
    return nanosleep(&time, nullptr);
}

ESCAPEMENT_EXPORT unsigned sleep(unsigned seconds) {
    const timespec time{.tv_sec = seconds, .tv_nsec = 0};
    timespec left{};
    if (nanosleep(&time, &left) == 0) return 0;
    return static_cast<unsigned>(left.tv_sec + (left.tv_nsec >= second / 2 ? 1 : 0));
}
