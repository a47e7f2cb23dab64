// Signals that a program sends itself, to threads that wait, work, or block them.

#include "posix_thread.hpp"

#include <semaphore.h>
#include <unistd.h>

#include <csignal>

using namespace cases;

namespace {

std::atomic<int> handled{0};

/// Its handler is not interrupted by another.
void handle_by(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

/// One sleeps and is woken, one works, one sends; each finds done what it sent.
template <typename Send>
void sent(Send send) {
    handle_by(SIGUSR1, [](int) { ++handled; });
    constexpr int times = 100;
    const pthread_t sleeper = start([] {
        for (int slept = 0; slept < times;) {
            const timespec hour{.tv_sec = 3600, .tv_nsec = 0};
            if (nanosleep(&hour, nullptr) == -1) ++slept;
            trail(1);
            for (unsigned round = 0; round < 5; ++round)
                sched_yield();
        }
    });
    const pthread_t worker = start([] {
        for (unsigned round = 0; round < 3000; ++round) {
            if (round % 20 == 0) trail(2);
            sched_yield();
        }
    });
    for (int number = 0; number < times; ++number) {
        sleep_ms(1);
        const int before = handled;
        send(sleeper);
        trail(handled == before + 1 ? 3 : 4);
    }
    pthread_join(worker, nullptr);
    pthread_join(sleeper, nullptr);
    order("handled", handled);
    print_trail();
}

void to_threads() {
    sent([](pthread_t thread) { REQUIRE_THAT(pthread_kill(thread, SIGUSR1) == 0); });
}

/// The kernel chooses the thread: all but one block it.
void to_the_process() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handle_by(SIGUSR1, [](int) { ++handled; });
    constexpr int times = 50;
    const pthread_t taker = start([] {
        for (int slept = 0; slept < times; ++slept) {
            sleep(3600);
            trail(1);
        }
    });
    sleep_ms(1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    for (int number = 0; number < times; ++number) {
        REQUIRE_THAT(kill(getpid(), SIGUSR1) == 0);
        trail(2);
        sleep_ms(1);
    }
    pthread_join(taker, nullptr);
    result("handled", handled);
    print_trail();
}

sem_t stopped;

/// As collectors stop the world: the handler says that it is there, and waits until it may go on.
void stopped_world() {
    sem_init(&stopped, 0, 0);
    static std::atomic<bool> over{false};
    handle_by(SIGUSR1, [](int) {
        sem_post(&stopped);
        sigset_t others;
        sigfillset(&others);
        sigdelset(&others, SIGUSR2);
        sigsuspend(&others);
    });
    handle_by(SIGUSR2, [](int) { ++handled; });
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= 3; ++number) {
        threads.push_back(start([number] {
            while (!over) {
                trail(number);
                sleep_ms(1);
            }
        }));
    }
    for (unsigned round = 0; round < 10; ++round) {
        sleep_ms(2);
        for (const pthread_t each : threads)
            REQUIRE_THAT(pthread_kill(each, SIGUSR1) == 0);
        for (unsigned each = 0; each < threads.size(); ++each)
            REQUIRE_THAT(sem_wait(&stopped) == 0);
        for (const pthread_t each : threads)
            REQUIRE_THAT(pthread_kill(each, SIGUSR2) == 0);
    }
    over = true;
    for (const pthread_t each : threads)
        pthread_join(each, nullptr);
    result("went on", handled);
}

/// To one who blocks it, who lets it in later.
void blocked() {
    handle_by(SIGUSR1, [](int) { ++handled; });
    const pthread_t other = start([] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        sleep_ms(20);
        result("handled while blocked", handled);
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        result("and then", handled);
    });
    sleep_ms(10);
    REQUIRE_THAT(pthread_kill(other, SIGUSR1) == 0);
    pthread_join(other, nullptr);
    pthread_kill(pthread_self(), SIGUSR1);
    result("its own", handled);
}

constexpr Scenario scenarios[] = {{"to-threads", to_threads},
                                  {"to-the-process", to_the_process},
                                  {"stopped-world", stopped_world},
                                  {"blocked", blocked}};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
