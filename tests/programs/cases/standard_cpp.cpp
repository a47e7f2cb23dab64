// The C++ library's own ways to wait, which call the kernel's futex by syscall(2).

#include "signature.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <numeric>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

using namespace cases;
using namespace std::chrono_literals;

namespace {

void asynchronous() {
    std::vector<std::future<unsigned>> futures;
    for (unsigned number = 1; number <= 6; ++number) {
        futures.push_back(std::async(std::launch::async, [number] {
            for (unsigned round = 0; round < 50; ++round) {
                std::this_thread::sleep_for(std::chrono::microseconds(number * 7));
                trail(number);
            }
            if (number == 6) throw std::runtime_error("six");
            return number * number;
        }));
    }
    unsigned sum = 0;
    for (auto& future : futures) {
        try {
            REQUIRE_THAT(future.wait_for(1h) == std::future_status::ready);
            sum += future.get();
        } catch (const std::runtime_error&) {
            result("thrown", 1);
        }
    }
    std::promise<int> promise;
    auto late = promise.get_future();
    REQUIRE_THAT(late.wait_for(10ms) == std::future_status::timeout);
    const std::jthread setter([&] { promise.set_value(3); });
    sum += static_cast<unsigned>(late.get());
    result("sum", sum);
    print_trail();
}

struct Slow {
    explicit Slow(unsigned number) : value(number) { std::this_thread::sleep_for(5ms); }
    unsigned value;
};

/// Threads race for static initialisers, one of which throws the first time.
void statics() {
    static std::atomic<unsigned> thrown{0};
    std::vector<std::thread> threads;
    for (unsigned number = 1; number <= 5; ++number) {
        threads.emplace_back([number] {
            static const Slow first(number);
            trail(first.value);
            for (;;) {
                try {
                    static const unsigned second = [] {
                        std::this_thread::sleep_for(3ms);
                        if (thrown++ == 0) throw std::runtime_error("once");
                        return 2U;
                    }();
                    trail(second);
                    break;
                } catch (const std::runtime_error&) {
                    trail(0);
                }
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    result("initialisations", thrown);
    print_trail();
}

void semaphore_and_latch() {
    static std::counting_semaphore<4> semaphore(2);
    static std::latch latch(5);
    static std::latch finished(5);
    static std::barrier barrier(5, []() noexcept { trail(0); });
    static std::atomic<int> inside{0};
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number <= 5; ++number) {
        threads.emplace_back([number] {
            latch.arrive_and_wait();
            for (unsigned round = 0; round < 60; ++round) {
                semaphore.acquire();
                REQUIRE_THAT(++inside <= 2);
                trail(number);
                std::this_thread::yield();
                --inside;
                semaphore.release();
                if (round % 10 == 0) barrier.arrive_and_wait();
            }
            finished.arrive_and_wait();
            if (number == 1) {
                while (semaphore.try_acquire_for(20ms)) {
                }
            }
        });
    }
    threads.clear();
    print_trail();
}

/// std::atomic::wait spins, yields and then waits in the kernel.
void atomic_wait() {
    static std::atomic<unsigned> turn{0};
    std::vector<std::jthread> threads;
    for (unsigned number = 0; number < 4; ++number) {
        threads.emplace_back([number] {
            for (unsigned round = 0; round < 100; ++round) {
                for (unsigned now = turn; now % 4 != number; now = turn)
                    turn.wait(now);
                trail(number);
                ++turn;
                turn.notify_all();
            }
        });
    }
    threads.clear();
    result("turn", turn);
    print_trail();
}

void once_that_throws() {
    static std::once_flag flag;
    static std::atomic<unsigned> tries{0};
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number <= 5; ++number) {
        threads.emplace_back([number] {
            try {
                std::call_once(flag, [] {
                    std::this_thread::sleep_for(2ms);
                    if (++tries < 3) throw std::runtime_error("not yet");
                });
                trail(number);
            } catch (const std::runtime_error&) {
                trail(10 + number);
            }
        });
    }
    threads.clear();
    result("tries", tries);
    print_trail();
}

void stopping() {
    static std::mutex mutex;
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number <= 3; ++number) {
        threads.emplace_back([number](const std::stop_token& stop) {
            std::condition_variable_any condition;
            std::unique_lock<std::mutex> held(mutex);
            condition.wait(held, stop, [] { return false; });
            trail(number);
        });
    }
    std::this_thread::sleep_for(30ms);
    for (auto& thread : threads)
        thread.request_stop();
    threads.clear();
    std::timed_mutex timed;
    timed.lock();
    std::jthread([&] { REQUIRE_THAT(!timed.try_lock_for(30ms)); }).join();
    timed.unlock();
    print_trail();
}

/// Threads that race without any lock at all: only serial turns make this come out the same.
void racing() {
    static volatile unsigned value = 0;
    static std::mutex unrelated;
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number <= 4; ++number) {
        threads.emplace_back([number] {
            for (unsigned round = 0; round < 3000; ++round) {
                const unsigned before = value;
                if (round % 3 == 0) {
                    const std::lock_guard<std::mutex> held(unrelated);
                    work(number);
                }
                value = before + number;
            }
        });
    }
    threads.clear();
    order("value", value);
}

void random_device() {
    std::random_device device;
    for (int each = 0; each < 4; ++each)
        order("random", device());
    std::vector<unsigned> shuffled(20);
    std::iota(shuffled.begin(), shuffled.end(), 0U);
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(device()));
    order("first", shuffled.front());
}

constexpr Scenario scenarios[] = {
    {"asynchronous", asynchronous},
    {"statics", statics},
    {"semaphore-and-latch", semaphore_and_latch},
    {"atomic-wait", atomic_wait},
    {"once-that-throws", once_that_throws},
    {"stopping", stopping},
    {"racing", racing},
    {"random-device", random_device},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
