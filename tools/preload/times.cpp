// What time it is, and waiting for a time.

#include "qemu.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "timespecs.hpp"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
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

/// What the host has just said, which a replay has from the journal.
template <typename Said>
void journal_said(const Entry& entry, Said* said) {
    if (!entry.ordered() || journaling == Journaling::off) return;
    journal_operation(OperationKind::time, 0);
    outside_bytes(no_descriptor, said, sizeof *said);
}

int read_real_clock(const Entry& entry, clockid_t clock, timespec* time) {
    const int result = real().clock_gettime(clock, time);
    if (result == 0) journal_said(entry, time);
    return result;
}

bool has_time() {
    return mode.load(std::memory_order_relaxed) == Mode::ordering;
}

bool has_virtual_time() {
    return has_time() && runtime().settings().virtual_time;
}

/// In units of which a second has `per_second`.
clock_t in_units(const timespec& time, long per_second) {
    return time.tv_sec * per_second + time.tv_nsec / (second / per_second);
}

clock_t ticks(const timespec& time) {
    static const long per_second = sysconf(_SC_CLK_TCK);
    return in_units(time, per_second);
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
    if (!has_virtual_time() || clock < 0 || clock > CLOCK_TAI) return read_real_clock(entry, clock, time);
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
    return in_units(time, CLOCKS_PER_SEC);
}

ESCAPEMENT_EXPORT clock_t times(tms* used) noexcept {
    const Entry entry;
    if (has_virtual_time()) {
        if (used != nullptr) {
            *used = {};
            used->tms_utime = ticks(read_clock(entry, CLOCK_PROCESS_CPUTIME_ID));
        }
        return ticks(read_clock(entry, CLOCK_MONOTONIC));
    }
    struct {
        tms used;
        clock_t now;
    } said{};
    said.now = real().times(&said.used);
    if (said.now != -1) journal_said(entry, &said);
    if (used != nullptr) *used = said.used;
    return said.now;
}

/// What is the host's besides (memory, faults, switches) is 0 under virtual time, as are children's times.
ESCAPEMENT_EXPORT int getrusage(__rusage_who_t who, rusage* usage) noexcept {
    const Entry entry;
    const int result = real().getrusage(who, usage);
    if (result != 0) return result;
    if (!has_virtual_time()) {
        journal_said(entry, usage);
        return 0;
    }
    *usage = {};
    if (who == RUSAGE_CHILDREN) return 0;
    const timespec time = read_clock(entry, CLOCK_PROCESS_CPUTIME_ID);
    usage->ru_utime = {.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
    return 0;
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
