// Mutexes of every kind.

#include "posix_thread.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

using namespace cases;

namespace {

constexpr unsigned rounds = 400;

class Mutex {
  public:
    Mutex(int type, int robust = PTHREAD_MUTEX_STALLED, int shared = PTHREAD_PROCESS_PRIVATE,
          int protocol = PTHREAD_PRIO_NONE) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, type);
        pthread_mutexattr_setrobust(&attributes, robust);
        pthread_mutexattr_setpshared(&attributes, shared);
        pthread_mutexattr_setprotocol(&attributes, protocol);
        REQUIRE_THAT(pthread_mutex_init(&mutex, &attributes) == 0);
        pthread_mutexattr_destroy(&attributes);
    }
    pthread_mutex_t mutex{};
};

/// Threads that count under the mutex, now and then by trylock.
void count_under(pthread_mutex_t* mutex) {
    static unsigned sum = 0;
    sum = 0;
    static std::atomic<unsigned> busy{0};
    together(5, [=](unsigned number) {
        for (unsigned round = 0; round < rounds; ++round) {
            work(number * 20);
            if (round % 7 == number) {
                while (pthread_mutex_trylock(mutex) != 0)
                    ++busy;
            } else {
                REQUIRE_THAT(pthread_mutex_lock(mutex) == 0);
            }
            trail(number);
            ++sum;
            work(number * 10);
            REQUIRE_THAT(pthread_mutex_unlock(mutex) == 0);
        }
    });
    result("sum", sum);
    order("trylocks that failed", busy);
    print_trail();
}

void normal() {
    Mutex mutex(PTHREAD_MUTEX_NORMAL);
    count_under(&mutex.mutex);
}

void adaptive() {
    Mutex mutex(PTHREAD_MUTEX_ADAPTIVE_NP);
    count_under(&mutex.mutex);
}

void inheriting() {
    Mutex mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_INHERIT);
    count_under(&mutex.mutex);
}

void recursive() {
    Mutex mutex(PTHREAD_MUTEX_RECURSIVE);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_trylock(&mutex.mutex) == 0);
    const pthread_t other = start([&] { REQUIRE_THAT(pthread_mutex_trylock(&mutex.mutex) == EBUSY); });
    pthread_join(other, nullptr);
    for (int depth = 0; depth < 3; ++depth)
        REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == EPERM);
    together(4, [&](unsigned number) {
        for (unsigned round = 0; round < rounds; ++round) {
            pthread_mutex_lock(&mutex.mutex);
            pthread_mutex_lock(&mutex.mutex);
            trail(number);
            pthread_mutex_unlock(&mutex.mutex);
            trail(number);
            pthread_mutex_unlock(&mutex.mutex);
        }
    });
    print_trail();
}

void checking() {
    Mutex mutex(PTHREAD_MUTEX_ERRORCHECK);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == EDEADLK);
    REQUIRE_THAT(pthread_mutex_trylock(&mutex.mutex) == EBUSY);
    const pthread_t other = start([&] { REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == EPERM); });
    pthread_join(other, nullptr);
    REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == EPERM);
    count_under(&mutex.mutex);
}

/// The owner ends with the mutex held, once while others wait, once before they come.
void robust() {
    Mutex mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
    for (int round = 0; round < 10; ++round) {
        const pthread_t owner = start([&] {
            REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == 0);
            sleep_ms(round % 2);
        });
        if (round % 3 == 0) pthread_join(owner, nullptr);
        static std::atomic<unsigned> died{0};
        together(3, [&](unsigned number) {
            const int locked = pthread_mutex_lock(&mutex.mutex);
            trail(number);
            if (locked == EOWNERDEAD) {
                ++died;
                REQUIRE_THAT(pthread_mutex_consistent(&mutex.mutex) == 0);
            }
            REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == 0);
        });
        if (round % 3 != 0) pthread_join(owner, nullptr);
        // A thread that begins after the others may find it never locked, or dead with nobody left to see it.
        order("saw a dead owner", died);
        if (round % 3 != 0 && pthread_mutex_lock(&mutex.mutex) == EOWNERDEAD)
            pthread_mutex_consistent(&mutex.mutex);
        else if (round % 3 == 0)
            pthread_mutex_lock(&mutex.mutex);
        pthread_mutex_unlock(&mutex.mutex);
    }
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == 0);
    const pthread_t last = start([&] {
        const timespec limit = after_ms(CLOCK_REALTIME, 5);
        REQUIRE_THAT(pthread_mutex_timedlock(&mutex.mutex, &limit) == ETIMEDOUT);
    });
    pthread_join(last, nullptr);
    print_trail();
}

void not_recoverable() {
    Mutex mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
    pthread_join(start([&] { pthread_mutex_lock(&mutex.mutex); }), nullptr);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == EOWNERDEAD);
    REQUIRE_THAT(pthread_mutex_unlock(&mutex.mutex) == 0);
    REQUIRE_THAT(pthread_mutex_lock(&mutex.mutex) == ENOTRECOVERABLE);
    REQUIRE_THAT(pthread_mutex_trylock(&mutex.mutex) == ENOTRECOVERABLE);
}

void timed() {
    Mutex mutex(PTHREAD_MUTEX_NORMAL);
    pthread_mutex_lock(&mutex.mutex);
    static std::atomic<unsigned> timeouts{0};
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= 6; ++number) {
        threads.push_back(start([&mutex, number] {
            const clockid_t clock = number % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
            const timespec limit = after_ms(clock, 100L * (7 - number));
            const int got = number % 2 == 0 ? pthread_mutex_clocklock(&mutex.mutex, clock, &limit)
                                            : pthread_mutex_timedlock(&mutex.mutex, &limit);
            trail(number);
            if (got == ETIMEDOUT) {
                ++timeouts;
            } else {
                REQUIRE_THAT(got == 0);
                pthread_mutex_unlock(&mutex.mutex);
            }
        }));
    }
    sleep_ms(350);
    trail(0);
    pthread_mutex_unlock(&mutex.mutex);
    for (const pthread_t thread : threads)
        pthread_join(thread, nullptr);
    result("timeouts", timeouts);
    print_trail();
}

/// Two processes count in memory that they share.
void shared() {
    struct Shared {
        Mutex mutex{PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_SHARED};
        unsigned sum = 0;
    };
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const common = new (memory) Shared;
    const pid_t child = fork();
    together(3, [=](unsigned number) {
        for (unsigned round = 0; round < 2000; ++round) {
            pthread_mutex_lock(&common->mutex.mutex);
            const unsigned sum = common->sum;
            work(number);
            common->sum = sum + 1;
            pthread_mutex_unlock(&common->mutex.mutex);
        }
    });
    if (child == 0) _exit(0);
    int status = -1;
    REQUIRE_THAT(waitpid(child, &status, 0) == child && status == 0);
    result("sum", common->sum);
    // Another process keeps it: a timed lock does not wait for ever.
    int ready[2];
    REQUIRE_THAT(pipe(ready) == 0);
    const pid_t keeper = fork();
    if (keeper == 0) {
        pthread_mutex_lock(&common->mutex.mutex);
        REQUIRE_THAT(write(ready[1], "x", 1) == 1);
        pause();
        _exit(0);
    }
    char byte = 0;
    REQUIRE_THAT(read(ready[0], &byte, 1) == 1);
    const timespec limit = after_ms(CLOCK_REALTIME, 50);
    REQUIRE_THAT(pthread_mutex_timedlock(&common->mutex.mutex, &limit) == ETIMEDOUT);
    REQUIRE_THAT(pthread_mutex_trylock(&common->mutex.mutex) == EBUSY);
    kill(keeper, SIGKILL);
    REQUIRE_THAT(waitpid(keeper, &status, 0) == keeper);
}

/// Not what POSIX promises, but glibc's normal mutexes work so: unlocked by another, freed while held.
void careless() {
    auto* const mutex = new pthread_mutex_t(PTHREAD_MUTEX_INITIALIZER);
    pthread_mutex_lock(mutex);
    pthread_join(start([=] { pthread_mutex_unlock(mutex); }), nullptr);
    REQUIRE_THAT(pthread_mutex_lock(mutex) == 0);
    // Made anew in the same place while it is held.
    REQUIRE_THAT(pthread_mutex_init(mutex, nullptr) == 0);
    REQUIRE_THAT(pthread_mutex_trylock(mutex) == 0);
    pthread_mutex_unlock(mutex);
    pthread_mutex_lock(mutex);
    *mutex = PTHREAD_MUTEX_INITIALIZER;
    REQUIRE_THAT(pthread_mutex_lock(mutex) == 0);
    pthread_mutex_unlock(mutex);
    // A thread ends with it held; the next thread, which gets the same pthread_t, is another.
    pthread_join(start([=] { pthread_mutex_lock(mutex); }), nullptr);
    for (int round = 0; round < 3; ++round) {
        unsigned done = 0;
        const pthread_t next = start([&] {
            sleep_ms(20);
            done = 1;
        });
        pthread_join(next, nullptr);
        REQUIRE_THAT(done == 1);
    }
    result("done", 1);
    delete mutex;
}

constexpr Scenario scenarios[] = {
    {"normal", normal},       {"adaptive", adaptive}, {"inheriting", inheriting},
    {"recursive", recursive}, {"checking", checking}, {"robust", robust},
    {"timed", timed},         {"shared", shared},     {"not-recoverable", not_recoverable},
    {"careless", careless},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
