// Virtual time: what clocks say, and waiting for hours that are over at once.

#include "posix_thread.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>

using namespace cases;

namespace {

void hours() {
    timespec before{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    const std::time_t began = std::time(nullptr);
    REQUIRE_THAT(sleep(3600) == 0);
    REQUIRE_THAT(usleep(500'000) == 0);
    std::this_thread::sleep_for(std::chrono::hours(24));
    REQUIRE_THAT(poll(nullptr, 0, 3'600'000) == 0);
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 3600;
    REQUIRE_THAT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr) == 0);
    timespec after{};
    clock_gettime(CLOCK_MONOTONIC, &after);
    result("hours by one clock", (after.tv_sec - before.tv_sec) / 3600);
    result("by another", (std::time(nullptr) - began) / 3600);
    const timespec bad{.tv_sec = 0, .tv_nsec = 1'000'000'000};
    REQUIRE_THAT(nanosleep(&bad, nullptr) == -1 && errno == EINVAL);
}

/// All clocks, to the nanosecond.
void clocks() {
    for (const clockid_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE,
                                  CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID}) {
        timespec now{};
        REQUIRE_THAT(clock_gettime(clock, &now) == 0);
        order("seconds", now.tv_sec);
        order("nanoseconds", now.tv_nsec);
    }
    timeval now{};
    gettimeofday(&now, nullptr);
    order("by gettimeofday", now.tv_sec);
    order("its microseconds", now.tv_usec);
    timespec standard{};
    REQUIRE_THAT(timespec_get(&standard, TIME_UTC) == TIME_UTC);
    order("by timespec_get", standard.tv_sec);
    order("its nanoseconds", standard.tv_nsec);
    order("processor time", std::clock());
    tms used{};
    order("by times", times(&used));
    order("used by times", used.tms_utime + used.tms_stime);
    rusage usage{};
    for (const auto who : {RUSAGE_SELF, RUSAGE_THREAD, RUSAGE_CHILDREN}) {
        REQUIRE_THAT(getrusage(who, &usage) == 0);
        order("used by getrusage", usage.ru_utime.tv_sec * 1'000'000 + usage.ru_utime.tv_usec);
        order("for the system", usage.ru_stime.tv_usec);
    }
    order("memory", usage.ru_maxrss);
    order("by time", std::time(nullptr));
    order("by chrono", std::chrono::system_clock::now().time_since_epoch().count());
    std::printf("order: %s", [] {
        static char text[64];
        const std::time_t time = std::time(nullptr);
        tm parts{};
        gmtime_r(&time, &parts);
        std::strftime(text, sizeof text, "%c\n", &parts);
        return text;
    }());
    timespec none{};
    REQUIRE_THAT(clock_gettime(9999, &none) == -1 && errno == EINVAL);
}

/// Threads that sleep wake in the order of their deadlines, and time never runs backwards.
void in_order() {
    static std::mutex mutex;
    static timespec last{};
    together(8, [](unsigned number) {
        for (unsigned round = 0; round < 30; ++round) {
            sleep_ms(static_cast<long>(number) * 100'000 + round);
            const std::lock_guard<std::mutex> held(mutex);
            timespec now{};
            clock_gettime(CLOCK_MONOTONIC, &now);
            REQUIRE_THAT(now.tv_sec > last.tv_sec ||
                         (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec));
            last = now;
            trail(number);
        }
    });
    print_trail();
    order("the last time", last.tv_nsec);
}

/// A time-out while another thread works: time passes by what is done, too.
void while_working() {
    static std::atomic<bool> stop{false};
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const pthread_t worker = start([] {
        while (!stop) {
            pthread_mutex_lock(&mutex);
            trail(1);
            pthread_mutex_unlock(&mutex);
        }
    });
    sleep_ms(1);
    stop = true;
    pthread_join(worker, nullptr);
    print_trail();
}

/// Waits as games do: by asking for the time, and doing some work, again and again.
void by_asking() {
    const auto ms = [] {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
    };
    static volatile unsigned work = 0;
    long long asked = 0;
    for (const long long end = ms() + 3000; ms() < end; ++asked) {
        for (unsigned step = 0; step < 100'000; ++step)
            work = work + step;
    }
    order("asked so often", asked);
}

constexpr Scenario scenarios[] = {
    {"hours", hours},         {"clocks", clocks}, {"in-order", in_order}, {"while-working", while_working},
    {"by-asking", by_asking},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
