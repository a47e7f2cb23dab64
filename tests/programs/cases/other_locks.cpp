// Reader-writer locks, spin locks, barriers and once.

#include "posix_thread.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <shared_mutex>

using namespace cases;

namespace {

void readers_and_writers() {
    static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    static unsigned value = 0;
    static unsigned copy = 0;
    static std::atomic<unsigned> busy{0};
    together(6, [](unsigned number) {
        for (unsigned round = 0; round < 300; ++round) {
            if (number <= 4) {
                if (round % 5 == 0) {
                    while (pthread_rwlock_tryrdlock(&lock) != 0)
                        ++busy;
                } else {
                    REQUIRE_THAT(pthread_rwlock_rdlock(&lock) == 0);
                }
                REQUIRE_THAT(value == copy);
            } else {
                REQUIRE_THAT(pthread_rwlock_wrlock(&lock) == 0);
                ++value;
                work(number * 10);
                ++copy;
            }
            trail(number);
            REQUIRE_THAT(pthread_rwlock_unlock(&lock) == 0);
        }
    });
    result("value", value);
    order("tries that failed", busy);
    print_trail();
    REQUIRE_THAT(pthread_rwlock_wrlock(&lock) == 0);
    REQUIRE_THAT(pthread_rwlock_rdlock(&lock) == EDEADLK);
    REQUIRE_THAT(pthread_rwlock_wrlock(&lock) == EDEADLK);
    REQUIRE_THAT(pthread_rwlock_trywrlock(&lock) == EBUSY);
    together(2, [](unsigned number) {
        const timespec limit = after_ms(CLOCK_REALTIME, 100);
        REQUIRE_THAT((number == 1 ? pthread_rwlock_timedrdlock(&lock, &limit)
                                  : pthread_rwlock_timedwrlock(&lock, &limit)) == ETIMEDOUT);
    });
}

/// std::shared_timed_mutex asks glibc for the newer calls that name a clock.
void shared_timed() {
    static std::shared_timed_mutex mutex;
    mutex.lock();
    together(4, [](unsigned number) {
        const auto time = std::chrono::milliseconds(100) * number;
        if (number % 2 == 0) {
            REQUIRE_THAT(!mutex.try_lock_for(time));
        } else {
            REQUIRE_THAT(!mutex.try_lock_shared_for(time));
        }
        result("gave up", number);
    });
    mutex.unlock();
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            if (number == 1) {
                REQUIRE_THAT(mutex.try_lock_for(std::chrono::seconds(1000)));
                trail(number);
                mutex.unlock();
            } else {
                const std::shared_lock<std::shared_timed_mutex> held(mutex);
                trail(number);
            }
        }
    });
    print_trail();
}

void spinning() {
    static pthread_spinlock_t lock;
    pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    static unsigned sum = 0;
    static std::atomic<unsigned> busy{0};
    together(5, [](unsigned number) {
        for (unsigned round = 0; round < 300; ++round) {
            if (round % 7 == number) {
                while (pthread_spin_trylock(&lock) != 0)
                    ++busy;
            } else {
                pthread_spin_lock(&lock);
            }
            trail(number);
            ++sum;
            work(number * 10);
            pthread_spin_unlock(&lock);
        }
    });
    result("sum", sum);
    order("tries that failed", busy);
    print_trail();
}

void barriers() {
    static pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, nullptr, 6);
    static std::atomic<unsigned> serial{0};
    static std::atomic<unsigned> arrived{0};
    together(6, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            ++arrived;
            const int which = pthread_barrier_wait(&barrier);
            REQUIRE_THAT(arrived >= 6);
            trail(number);
            if (which == PTHREAD_BARRIER_SERIAL_THREAD) ++serial;
        }
    });
    result("serial", serial);
    print_trail();
    REQUIRE_THAT(pthread_barrier_destroy(&barrier) == 0);
    pthread_barrier_init(&barrier, nullptr, 1);
    REQUIRE_THAT(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
}

/// A routine that waits for another thread, which itself needs the order to get on.
void once() {
    static pthread_once_t controls[20];
    static std::atomic<unsigned> ran{0};
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    together(6, [](unsigned number) {
        for (pthread_once_t& control : controls) {
            pthread_once(&control, [] {
                ++ran;
                pthread_mutex_lock(&mutex);
                sleep_ms(3);
                pthread_mutex_unlock(&mutex);
                pthread_join(start([] { sleep_ms(1); }), nullptr);
            });
            trail(number);
        }
    });
    result("ran", ran);
    print_trail();
}

/// All in memory that two processes share.
void shared() {
    struct Shared {
        pthread_rwlock_t lock;
        pthread_spinlock_t spin;
        pthread_barrier_t barrier;
        unsigned sum;
        unsigned spun;
    };
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const common = static_cast<Shared*>(memory);
    pthread_rwlockattr_t lock_attributes;
    pthread_rwlockattr_init(&lock_attributes);
    pthread_rwlockattr_setpshared(&lock_attributes, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(&common->lock, &lock_attributes);
    pthread_spin_init(&common->spin, PTHREAD_PROCESS_SHARED);
    pthread_barrierattr_t barrier_attributes;
    pthread_barrierattr_init(&barrier_attributes);
    pthread_barrierattr_setpshared(&barrier_attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&common->barrier, &barrier_attributes, 4);
    const pid_t child = fork();
    together(2, [=](unsigned number) {
        for (unsigned round = 0; round < 20; ++round) {
            pthread_barrier_wait(&common->barrier);
            for (unsigned each = 0; each < 50; ++each) {
                pthread_rwlock_wrlock(&common->lock);
                const unsigned sum = common->sum;
                work(number * 10);
                common->sum = sum + 1;
                pthread_rwlock_unlock(&common->lock);
                pthread_rwlock_rdlock(&common->lock);
                pthread_rwlock_unlock(&common->lock);
                pthread_spin_lock(&common->spin);
                ++common->spun;
                pthread_spin_unlock(&common->spin);
            }
        }
    });
    if (child == 0) _exit(0);
    int status = -1;
    REQUIRE_THAT(waitpid(child, &status, 0) == child && status == 0);
    result("sum", common->sum);
    result("spun", common->spun);
}

constexpr Scenario scenarios[] = {
    {"readers-and-writers", readers_and_writers},
    {"shared-timed", shared_timed},
    {"spinning", spinning},
    {"barriers", barriers},
    {"once", once},
    {"shared", shared},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
