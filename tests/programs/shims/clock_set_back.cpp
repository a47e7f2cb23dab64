// A host whose calendar is set back by an hour while a program runs: put before it by LD_PRELOAD.

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    static std::atomic<int> looks{0};
    constexpr int looks_before = 1;
    constexpr time_t hour = 3600;
    const long result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && looks.fetch_add(1) >= looks_before) time->tv_sec -= hour;
    return static_cast<int>(result);
}
