// Semaphores: counted, timed, named, posted by signal handlers.

#include "posix_thread.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace cases;

namespace {

sem_t semaphore;

void counting() {
    sem_init(&semaphore, 0, 3);
    static std::atomic<int> inside{0};
    static std::atomic<unsigned> busy{0};
    together(7, [](unsigned number) {
        for (unsigned round = 0; round < 200; ++round) {
            if (round % 9 == number) {
                while (sem_trywait(&semaphore) != 0)
                    ++busy;
            } else {
                REQUIRE_THAT(sem_wait(&semaphore) == 0);
            }
            REQUIRE_THAT(++inside <= 3);
            trail(number);
            work(number * 10);
            sched_yield();
            --inside;
            sem_post(&semaphore);
        }
    });
    int value = 0;
    sem_getvalue(&semaphore, &value);
    result("value", value);
    order("tries that failed", busy);
    print_trail();
}

void timed() {
    sem_init(&semaphore, 0, 0);
    together(6, [](unsigned number) {
        const clockid_t clock = number % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
        const timespec limit = after_ms(clock, 500L * (number * 3 % 7));
        const int ended =
            number % 2 == 0 ? sem_clockwait(&semaphore, clock, &limit) : sem_timedwait(&semaphore, &limit);
        REQUIRE_THAT(ended == -1 && errno == ETIMEDOUT);
        result("ended", number);
    });
}

/// The handler may run on any thread, which may be the one that waits, a parked one or one that runs.
void posted_by_handler(bool handler_first) {
    constexpr unsigned posts = 60;
    sem_init(&semaphore, 0, 0);
    static std::atomic<unsigned> woken{0};
    static std::atomic<bool> done{false};
    const auto install = [] {
        struct sigaction action {};
        action.sa_handler = [](int) { sem_post(&semaphore); };
        action.sa_flags = SA_RESTART;
        sigaction(SIGUSR1, &action, nullptr);
    };
    if (handler_first) install();
    std::vector<pthread_t> threads;
    for (unsigned number = 0; number < 3; ++number) {
        threads.push_back(start([] {
            while (!done) {
                while (sem_wait(&semaphore) != 0)
                    REQUIRE_THAT(errno == EINTR);
                ++woken;
            }
        }));
    }
    sleep_ms(1);
    if (!handler_first) install();
    for (unsigned post = 0; post < posts; ++post) {
        if (post % 3 == 0) {
            kill(getpid(), SIGUSR1);
        } else {
            pthread_kill(post % 3 == 1 ? pthread_self() : threads[post % 2], SIGUSR1);
        }
        // Signals of one kind do not queue: the next is sent when this one was seen.
        while (woken <= post)
            sched_yield();
    }
    result("woken", woken);
    done = true;
    for (unsigned number = 0; number < 3; ++number)
        sem_post(&semaphore);
    for (const pthread_t thread : threads)
        pthread_join(thread, nullptr);
}

void handler() {
    posted_by_handler(true);
}

void later_handler() {
    posted_by_handler(false);
}

/// From another process, while everybody in this one waits: one on the semaphore, one for a byte.
void outside_signal() {
    constexpr int posts = 20;
    sem_init(&semaphore, 0, 0);
    int seen[2];
    REQUIRE_THAT(pipe(seen) == 0);
    const pthread_t waiter = start([&] {
        for (int post = 0; post < posts; ++post) {
            while (sem_wait(&semaphore) != 0)
                REQUIRE_THAT(errno == EINTR);
            REQUIRE_THAT(write(seen[1], "x", 1) == 1);
        }
    });
    sleep_ms(1);  // it waits before there is any handler
    struct sigaction action {};
    action.sa_handler = [](int) { sem_post(&semaphore); };
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        for (int post = 0; post < posts; ++post) {
            kill(parent, SIGUSR1);
            char byte = 0;
            REQUIRE_THAT(read(seen[0], &byte, 1) == 1);
        }
        _exit(0);
    }
    int status = -1;
    while (waitpid(child, &status, 0) != child)
        REQUIRE_THAT(errno == EINTR);
    REQUIRE_THAT(status == 0);
    pthread_join(waiter, nullptr);
    result("done", 1);
}

void shared() {
    sem_t* const pair = static_cast<sem_t*>(
        mmap(nullptr, 2 * sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    sem_init(&pair[0], 1, 1);
    sem_init(&pair[1], 1, 0);
    const pid_t child = fork();
    const int me = child == 0 ? 1 : 0;
    for (unsigned round = 0; round < 50; ++round) {
        REQUIRE_THAT(sem_wait(&pair[me]) == 0);
        REQUIRE_THAT(sem_post(&pair[1 - me]) == 0);
    }
    if (child == 0) _exit(0);
    int status = -1;
    REQUIRE_THAT(waitpid(child, &status, 0) == child && status == 0);
    const timespec limit = after_ms(CLOCK_REALTIME, 20);
    REQUIRE_THAT(sem_wait(&pair[0]) == 0);
    REQUIRE_THAT(sem_timedwait(&pair[0], &limit) == -1 && errno == ETIMEDOUT);
    result("done", 1);
}

/// A named one between the threads of one process.
void named() {
    char name[64];
    std::snprintf(name, sizeof name, "/escapement-test-%d", static_cast<int>(getpid()));
    sem_t* const opened = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    REQUIRE_THAT(opened != SEM_FAILED);
    sem_unlink(name);
    static unsigned sum = 0;
    together(4, [=](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            REQUIRE_THAT(sem_wait(opened) == 0);
            sum += number;
            sem_post(opened);
        }
    });
    result("sum", sum);
    sem_close(opened);
}

constexpr Scenario scenarios[] = {
    {"counting", counting},
    {"timed", timed},
    {"handler", handler},
    {"later-handler", later_handler},
    {"outside-signal", outside_signal},
    {"shared", shared},
    {"named", named},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
