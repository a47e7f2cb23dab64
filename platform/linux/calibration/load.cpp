#include "calibration/load.hpp"

#include "calibration/monotonic.hpp"
#include "on_cpu.hpp"
#include "page.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <system_error>

namespace escapement {

namespace {

constexpr std::size_t most_threads = 8;
constexpr std::size_t pages = 16;
constexpr std::int64_t stretch_ns = 100'000;

void compute() {
    volatile double value = 1;
    for (const std::int64_t end = monotonic_ns() + stretch_ns; monotonic_ns() < end;) {
        for (int turn = 0; turn < 200; ++turn)
            value = value * 1.0001 + 0.5;
    }
}

void touch_pages() {
    void* const memory =
        mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    for (std::size_t number = 0; number < pages; ++number)
        static_cast<volatile char*>(memory)[number * page] = 1;
    munmap(memory, pages * page);
}

void sleep_for(std::int64_t ns) {
    const timespec time{.tv_sec = 0, .tv_nsec = ns};
    nanosleep(&time, nullptr);
}

}  // namespace

void Load::run(unsigned cpu, bool shares_cpu) {
    // Refused, it disturbs from wherever it is.
    static_cast<void>(keep_on(cpu));
    while (!stopping_.load(std::memory_order_relaxed)) {
        compute();
        touch_pages();
        for (int call = 0; call < 50; ++call)
            syscall(SYS_getppid);
        // Who shares the CPU leaves most of it to those who measure, and comes back often.
        sleep_for(shares_cpu ? 3 * stretch_ns : stretch_ns / 10);
    }
}

void Load::start(unsigned own_cpu, const std::set<unsigned>& allowed) {
    stop();
    stopping_ = false;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        threads_.emplace_back([this, own_cpu] { run(own_cpu, true); });
        for (const unsigned cpu : allowed) {
            if (threads_.size() == most_threads) break;
            if (cpu != own_cpu) threads_.emplace_back([this, cpu] { run(cpu, false); });
        }
    } catch (const std::system_error&) {  // no more threads to be had: with those that there are
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Load::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
}

}  // namespace escapement
