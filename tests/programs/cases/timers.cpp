// Timers that are descriptors: what they say, and when, among threads that do other things.

#include "posix_thread.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

using namespace cases;

namespace {

itimerspec microseconds(long first, long then) {
    return {.it_interval = {.tv_sec = then / 1'000'000, .tv_nsec = then % 1'000'000 * 1000},
            .it_value = {.tv_sec = first / 1'000'000, .tv_nsec = first % 1'000'000 * 1000}};
}

int timer(long first, long then, int flags = 0) {
    const int descriptor = timerfd_create(CLOCK_MONOTONIC, flags | TFD_CLOEXEC);
    const itimerspec value = microseconds(first, then);
    REQUIRE_THAT(descriptor >= 0 && timerfd_settime(descriptor, 0, &value, nullptr) == 0);
    return descriptor;
}

std::uint64_t events(int descriptor) {
    std::uint64_t count = 0;
    REQUIRE_THAT(read(descriptor, &count, sizeof count) == sizeof count);
    return count;
}

/// What the kernel's say, too.
void values() {
    const int descriptor = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    std::uint64_t count = 0;
    REQUIRE_THAT(read(descriptor, &count, sizeof count) == -1 && errno == EAGAIN);
    itimerspec value{};
    REQUIRE_THAT(timerfd_gettime(descriptor, &value) == 0 && value.it_value.tv_sec == 0);
    clock_gettime(CLOCK_REALTIME, &value.it_value);
    value.it_value.tv_sec += 3600;
    REQUIRE_THAT(timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &value, nullptr) == 0);
    itimerspec left{};
    REQUIRE_THAT(timerfd_gettime(descriptor, &left) == 0);
    result("seconds left", left.it_value.tv_sec);
    value = microseconds(20'000, 20'000);
    REQUIRE_THAT(timerfd_settime(descriptor, 0, &value, &left) == 0);
    result("they were", left.it_value.tv_sec);
    sleep_ms(110);
    result("events", static_cast<long long>(events(descriptor)));
    REQUIRE_THAT(read(descriptor, &count, sizeof count) == -1 && errno == EAGAIN);
    sleep_ms(20);
    value = {};
    REQUIRE_THAT(timerfd_settime(descriptor, 0, &value, nullptr) == 0);
    pollfd disarmed{.fd = descriptor, .events = POLLIN, .revents = 0};
    result("disarmed", poll(&disarmed, 1, 50));
    value.it_value.tv_nsec = 1'000'000'000;
    REQUIRE_THAT(timerfd_settime(descriptor, 0, &value, nullptr) == -1 && errno == EINVAL);
    close(descriptor);
    value = {};
    REQUIRE_THAT(timerfd_settime(descriptor, 0, &value, nullptr) == -1 && errno == EBADF);
    REQUIRE_THAT(timerfd_create(12345, 0) == -1 && errno == EINVAL);
}

/// Some read, one polls, one works.
void in_order() {
    constexpr unsigned workers = 4;
    together(workers, [](unsigned me) {
        if (me == workers) {
            for (unsigned round = 0; round < 200; ++round) {
                work(1000);
                trail(me);
                sched_yield();
                if (round % 20 == 0) sleep_ms(1);
            }
            return;
        }
        const int descriptor = timer(me * 700, me * 1000, me == 3 ? TFD_NONBLOCK : 0);
        const int epoll = epoll_create1(0);
        epoll_event event{.events = EPOLLIN, .data = {}};
        REQUIRE_THAT(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0);
        for (unsigned round = 0; round < 30; ++round) {
            if (me > 1) REQUIRE_THAT(epoll_wait(epoll, &event, 1, -1) == 1);
            trail(me + 10 * static_cast<unsigned>(events(descriptor)));
        }
        close(descriptor);
        close(epoll);
    });
    print_trail();
}

/// Nobody waits for them.
void hours() {
    const int descriptor = timer(3'600'000'000, 0);
    result("events", static_cast<long long>(events(descriptor)));
    const int never = timer(0, 0);
    pollfd both[] = {{.fd = never, .events = POLLIN, .revents = 0},
                     {.fd = timer(7'200'000'000, 0), .events = POLLIN, .revents = 0}};
    result("ready", poll(both, 2, -1));
    result("which", both[1].revents);
}

/// Sleeps for a timer in a call that nobody orders.
void unordered() {
    const int descriptor = timer(1000, 1000);
    std::uint64_t count = 0;
    for (unsigned round = 0; round < 3; ++round)
        REQUIRE_THAT(syscall(SYS_read, descriptor, &count, sizeof count) == sizeof count);
    result("done", 1);
}

constexpr Scenario scenarios[] = {
    {"values", values}, {"in-order", in_order}, {"hours", hours}, {"unordered", unordered}};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
