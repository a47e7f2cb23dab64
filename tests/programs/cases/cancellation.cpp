// pthread_cancel of every kind of wait, and what is left behind: nothing.

#include "posix_thread.hpp"

#include <poll.h>
#include <semaphore.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace cases;

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
sem_t semaphore;
int quiet[2];
unsigned cleaned = 0;

/// The cleanup takes a lock, as cleanups do.
struct Cleanup {
    ~Cleanup() {
        pthread_mutex_lock(&mutex);
        ++cleaned;
        pthread_mutex_unlock(&mutex);
    }
};

void never_comes_back(const char* what, void (*wait)()) {
    void* value = nullptr;
    pthread_t thread{};
    pthread_create(
        &thread, nullptr,
        [](void* memory) -> void* {
            const Cleanup cleanup;
            reinterpret_cast<void (*)()>(memory)();
            return nullptr;
        },
        reinterpret_cast<void*>(wait));
    sleep_ms(5);
    REQUIRE_THAT(pthread_cancel(thread) == 0);
    REQUIRE_THAT(pthread_join(thread, &value) == 0);
    result(what, value == PTHREAD_CANCELED ? 1 : 0);
}

void wait_for_ever_in_turn() {
    never_comes_back("nanosleep", [] { sleep_ms(1'000'000); });
    never_comes_back("pthread_cond_wait", [] {
        pthread_mutex_lock(&mutex);
        pthread_cleanup_push([](void*) { pthread_mutex_unlock(&mutex); }, nullptr);
        for (;;)
            pthread_cond_wait(&condition, &mutex);
        pthread_cleanup_pop(1);
    });
    never_comes_back("sem_wait", [] { sem_wait(&semaphore); });
    never_comes_back("poll", [] { poll(nullptr, 0, -1); });
    never_comes_back("poll of a pipe", [] {
        pollfd one{.fd = quiet[0], .events = POLLIN, .revents = 0};
        poll(&one, 1, -1);
    });
    never_comes_back("select", [] {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(quiet[0], &set);
        select(quiet[0] + 1, &set, nullptr, nullptr, nullptr);
    });
    never_comes_back("read", [] {
        char byte = 0;
        [[maybe_unused]] const ssize_t got = read(quiet[0], &byte, 1);
    });
    never_comes_back("pthread_join", [] { pthread_join(start([] { sleep_ms(20); }), nullptr); });
    never_comes_back("waitpid", [] {
        const pid_t child = fork();
        if (child == 0) {
            for (;;)
                pause();
        }
        struct Kill {
            pid_t id;
            ~Kill() { kill(id, SIGKILL); }
        } const killer{child};
        waitpid(child, nullptr, 0);
    });
    never_comes_back("sigwait", [] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        int signal = 0;
        sigwait(&set, &signal);
    });
    never_comes_back("pthread_testcancel", [] {
        for (;;) {
            sched_yield();
            pthread_testcancel();
        }
    });
    result("cleaned", cleaned);
}

/// Waits that are no points of cancellation go on, and so do all while cancellation is off.
void not_now() {
    static pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, nullptr, 2);
    pthread_rwlock_wrlock(&lock);
    static std::atomic<int> stage{0};
    pthread_t thread{};
    pthread_create(
        &thread, nullptr,
        [](void*) -> void* {
            pthread_rwlock_rdlock(&lock);
            REQUIRE_THAT(stage == 1);
            pthread_rwlock_unlock(&lock);
            pthread_barrier_wait(&barrier);
            REQUIRE_THAT(stage == 2);
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
            timespec before{};
            timespec after{};
            clock_gettime(CLOCK_MONOTONIC, &before);
            sleep_ms(30);
            clock_gettime(CLOCK_MONOTONIC, &after);
            REQUIRE_THAT(
                (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1'000'000 >= 29);
            REQUIRE_THAT(poll(nullptr, 0, 10) == 0);
            REQUIRE_THAT(sem_wait(&semaphore) == 0);
            REQUIRE_THAT(stage == 3);
            stage = 4;
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
            pthread_testcancel();
            return nullptr;
        },
        nullptr);
    sleep_ms(5);
    pthread_cancel(thread);
    sleep_ms(5);
    stage = 1;
    pthread_rwlock_unlock(&lock);
    sleep_ms(5);
    stage = 2;
    pthread_barrier_wait(&barrier);
    sleep_ms(60);
    stage = 3;
    sem_post(&semaphore);
    void* value = nullptr;
    pthread_join(thread, &value);
    result("cancelled", value == PTHREAD_CANCELED ? 1 : 0);
    result("stage", stage);
}

/// Not only at its points of cancellation: anywhere.
void anywhere() {
    pthread_t thread{};
    pthread_create(
        &thread, nullptr,
        [](void*) -> void* {
            pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
            for (;;)
                sched_yield();
            return nullptr;
        },
        nullptr);
    sleep_ms(1);
    pthread_cancel(thread);
    void* value = nullptr;
    pthread_join(thread, &value);
    result("cancelled", value == PTHREAD_CANCELED ? 1 : 0);
}

constexpr Scenario scenarios[] = {
    {"waits", wait_for_ever_in_turn},
    {"not-now", not_now},
    {"anywhere", anywhere},
};

}  // namespace

int main(int argc, char** argv) {
    sem_init(&semaphore, 0, 0);
    REQUIRE_THAT(pipe(quiet) == 0);
    return choose(scenarios, argc, argv);
}
