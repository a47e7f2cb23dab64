// Condition variables: signal, broadcast, time-outs by every clock.

#include "posix_thread.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

using namespace cases;

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

void queue() {
    static std::deque<unsigned> items;
    static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
    static unsigned long long sum = 0;
    together(6, [](unsigned number) {
        for (unsigned each = 0; each < 300; ++each) {
            pthread_mutex_lock(&mutex);
            if (number <= 3) {
                while (items.size() >= 4)
                    pthread_cond_wait(&room, &mutex);
                items.push_back(number * 1000 + each);
                trail(number);
                pthread_cond_signal(&condition);
            } else {
                while (items.empty())
                    pthread_cond_wait(&condition, &mutex);
                sum += items.front();
                items.pop_front();
                trail(number);
                pthread_cond_signal(&room);
            }
            pthread_mutex_unlock(&mutex);
        }
    });
    result("sum", static_cast<long long>(sum));
    print_trail();
}

void broadcast() {
    static unsigned generation = 0;
    static unsigned waiting = 0;
    together(6, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            pthread_mutex_lock(&mutex);
            const unsigned mine = generation;
            if (++waiting == 6) {
                waiting = 0;
                ++generation;
                pthread_cond_broadcast(&condition);
            } else {
                while (generation == mine)
                    pthread_cond_wait(&condition, &mutex);
            }
            trail(number);
            pthread_mutex_unlock(&mutex);
        }
    });
    result("generations", generation);
    print_trail();
}

/// Deadlines in an order of their own, by three clocks.
void timed() {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    static pthread_cond_t monotonic;
    pthread_cond_init(&monotonic, &attributes);
    together(6, [](unsigned number) {
        pthread_mutex_lock(&mutex);
        const long time = 1000L * (number * 5 % 7);
        int ended = 0;
        if (number % 3 == 0) {
            const timespec limit = after_ms(CLOCK_REALTIME, time);
            ended = pthread_cond_timedwait(&condition, &mutex, &limit);
        } else if (number % 3 == 1) {
            const timespec limit = after_ms(CLOCK_MONOTONIC, time);
            ended = pthread_cond_timedwait(&monotonic, &mutex, &limit);
        } else {
            const timespec limit = after_ms(CLOCK_MONOTONIC, time);
            ended = pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &limit);
        }
        REQUIRE_THAT(ended == ETIMEDOUT);
        result("ended", number);
        pthread_mutex_unlock(&mutex);
    });
    pthread_mutex_lock(&mutex);
    const timespec past{.tv_sec = 1, .tv_nsec = 0};
    REQUIRE_THAT(pthread_cond_timedwait(&condition, &mutex, &past) == ETIMEDOUT);
    const timespec none{.tv_sec = 1, .tv_nsec = 1'000'000'000};
    REQUIRE_THAT(pthread_cond_timedwait(&condition, &mutex, &none) == EINVAL);
    pthread_mutex_unlock(&mutex);
}

/// Signals and time-outs race.
void raced() {
    static unsigned long tickets = 0;
    static std::atomic<unsigned> late{0};
    together(5, [](unsigned number) {
        for (unsigned round = 0; round < 200; ++round) {
            pthread_mutex_lock(&mutex);
            if (number <= 3) {
                const timespec limit = after_ms(CLOCK_REALTIME, number);
                while (tickets == 0) {
                    if (pthread_cond_timedwait(&condition, &mutex, &limit) == ETIMEDOUT) {
                        ++late;
                        break;
                    }
                }
                if (tickets > 0) --tickets;
                trail(number);
                pthread_mutex_unlock(&mutex);
            } else {
                ++tickets;
                trail(number);
                pthread_cond_signal(&condition);
                pthread_mutex_unlock(&mutex);
                sleep_ms(number == 4 ? 1 : 2);
            }
        }
    });
    order("too late", late);
    print_trail();
}

void standard() {
    static std::mutex lock;
    static std::condition_variable_any changed;
    static std::condition_variable other;
    static unsigned turn = 0;
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            std::unique_lock<std::mutex> held(lock);
            changed.wait(held, [&] { return turn % 4 == number - 1; });
            trail(number);
            ++turn;
            changed.notify_all();
            if (round % 10 == number) {
                REQUIRE_THAT(other.wait_for(held, std::chrono::milliseconds(number)) ==
                             std::cv_status::timeout);
            }
        }
    });
    result("turns", turn);
    print_trail();
}

void shared() {
    struct Shared {
        pthread_mutex_t mutex;
        pthread_cond_t condition;
        unsigned turn;
    };
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const common = static_cast<Shared*>(memory);
    pthread_mutexattr_t mutex_attributes;
    pthread_mutexattr_init(&mutex_attributes);
    pthread_mutexattr_setpshared(&mutex_attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&common->mutex, &mutex_attributes);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&common->condition, &attributes);
    const pid_t child = fork();
    const unsigned me = child == 0 ? 1 : 0;
    for (unsigned round = 0; round < 50; ++round) {
        pthread_mutex_lock(&common->mutex);
        while (common->turn % 2 != me)
            pthread_cond_wait(&common->condition, &common->mutex);
        ++common->turn;
        pthread_cond_broadcast(&common->condition);
        pthread_mutex_unlock(&common->mutex);
    }
    if (child == 0) _exit(0);
    int status = -1;
    REQUIRE_THAT(waitpid(child, &status, 0) == child && status == 0);
    result("turns", common->turn);
}

constexpr Scenario scenarios[] = {
    {"queue", queue}, {"broadcast", broadcast}, {"timed", timed},
    {"raced", raced}, {"standard", standard},   {"shared", shared},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
