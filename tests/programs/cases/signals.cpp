// Signals that a program sends itself, to threads that wait, work, or block them.

#include "handlers.hpp"
#include "posix_thread.hpp"

#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

using namespace cases;

namespace {

std::atomic<int> handled{0};

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

constexpr unsigned stopped_threads = 3;
sem_t stopped;
// Each has its own: of one for all, who is stopped again at once could take what lets another go on.
std::array<sem_t, stopped_threads + 1> may_go_on;
thread_local unsigned own_number = 0;

/// As collectors stop the world: the handler says that it is there, and waits until it may go on. The threads
/// sleep, or work so that the turn goes round.
template <typename Work, typename GoOn>
void stopped_world(void (*wait_in_handler)(int), Work work, GoOn go_on) {
    sem_init(&stopped, 0, 0);
    for (sem_t& each : may_go_on)
        sem_init(&each, 0, 0);
    static std::atomic<bool> over{false};
    handle_by(SIGUSR1, wait_in_handler);
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= stopped_threads; ++number) {
        threads.push_back(start([number, work] {
            own_number = number;
            sem_post(&stopped);
            while (!over) {
                trail(number);
                work();
            }
        }));
    }
    const auto wait_for_all = [] {
        for (unsigned each = 0; each < stopped_threads; ++each)
            REQUIRE_THAT(sem_wait(&stopped) == 0);
    };
    wait_for_all();
    for (unsigned round = 0; round < 10; ++round) {
        const timespec a_while{.tv_sec = 0, .tv_nsec = 100'000};
        nanosleep(&a_while, nullptr);
        for (const pthread_t each : threads)
            REQUIRE_THAT(pthread_kill(each, SIGUSR1) == 0);
        wait_for_all();
        trail(stopped_threads + 1);
        for (unsigned asks = 0; asks < 50; ++asks)
            sched_yield();  // nobody is there to take the turn
        trail(stopped_threads + 2);
        for (unsigned number = 1; number <= stopped_threads; ++number)
            go_on(threads[number - 1], number);
    }
    over = true;
    for (const pthread_t each : threads)
        pthread_join(each, nullptr);
    order("went on", handled);
    print_trail();
}

/// As Mono's and D's.
void wait_for_signal(int /*signal*/) {
    sem_post(&stopped);
    sigset_t others;
    sigfillset(&others);
    sigdelset(&others, SIGUSR2);
    sigsuspend(&others);
}

/// As SBCL's.
void wait_for_post(int /*signal*/) {
    sem_post(&stopped);
    while (sem_wait(&may_go_on.at(own_number)) != 0) {
    }
    ++handled;
}

void let_go_on_by_signal(pthread_t thread, unsigned /*number*/) {
    REQUIRE_THAT(pthread_kill(thread, SIGUSR2) == 0);
}

void stopped_sleepers() {
    handle_by(SIGUSR2, [](int) { ++handled; });
    stopped_world(
        wait_for_signal, [] { sleep_ms(1); }, let_go_on_by_signal);
}

void stopped_workers() {
    handle_by(SIGUSR2, [](int) { ++handled; });
    stopped_world(
        wait_for_signal, [] { sched_yield(); }, let_go_on_by_signal);
}

void stopped_by_semaphore() {
    stopped_world(
        wait_for_post, [] { sched_yield(); },
        [](pthread_t, unsigned number) { sem_post(&may_go_on.at(number)); });
}

/// The outside's signal (here: a child process's) comes to who is parked, whose handler waits for who works.
void stopped_from_outside() {
    static std::atomic<bool> in_handler{false};
    static sem_t turn_wanted;
    sem_init(&turn_wanted, 0, 0);
    sem_init(&stopped, 0, 0);
    sem_init(&may_go_on[0], 0, 0);
    handle_by(SIGUSR1, [](int signal) {
        in_handler = true;
        wait_for_post(signal);
    });
    const pthread_t other = start([] {
        while (sem_wait(&turn_wanted) != 0) {
        }
    });
    sigset_t this_one;
    sigemptyset(&this_one);
    sigaddset(&this_one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &this_one, nullptr);
    sleep_ms(1);
    const pid_t child = fork();
    if (child == 0) {
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    while (!in_handler) {
    }
    sem_post(&turn_wanted);
    sleep_ms(1);  // now it would be the other's turn
    sem_post(&may_go_on[0]);
    pthread_join(other, nullptr);
    waitpid(child, nullptr, 0);
    result("went on", handled);
}

/// A child process sends while nothing is waited for: between a lock and its end, or before the next.
void at_any_time() {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    constexpr int times = 30;
    handle_by(SIGUSR1, [](int) {
        trail(9);
        ++handled;
    });
    const pid_t child = fork();
    for (int number = 0; child == 0 && number < times; ++number) {
        const timespec time{.tv_sec = 0, .tv_nsec = 50'000 + getpid() % 100 * 1000};
        syscall(SYS_nanosleep, &time, nullptr);  // by the host's clock
        kill(getppid(), SIGUSR1);
    }
    if (child == 0) _exit(0);
    for (int round = 0; round < 3000; ++round) {
        pthread_mutex_lock(&mutex);
        trail(1);
        work(1500);
        pthread_mutex_unlock(&mutex);
        trail(2);
        work(1500);
    }
    waitpid(child, nullptr, 0);
    order("handled", handled);
    print_trail();
}

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals)
        sigaddset(&set, signal);
    return set;
}

/// One takes what the others send to the process and to its thread.
void waited_for() {
    static const sigset_t set = set_of({SIGUSR1, SIGUSR2});
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    constexpr int times = 60;
    static std::atomic<int> taken{0};
    const pthread_t taker = start([] {
        for (int number = 0; number < times; ++number) {
            int signal = 0;
            REQUIRE_THAT(sigwait(&set, &signal) == 0);
            ++taken;
            trail(signal == SIGUSR1 ? 1 : 2);
        }
    });
    for (int number = 0; number < times; ++number) {
        if (number % 3 == 0) {
            REQUIRE_THAT(pthread_kill(taker, SIGUSR2) == 0);
        } else {
            REQUIRE_THAT(kill(getpid(), SIGUSR1) == 0);
        }
        trail(3);
        while (taken <= number)
            sched_yield();
    }
    pthread_join(taker, nullptr);
    result("taken", taken);
    const timespec while_nobody_sends{.tv_sec = 0, .tv_nsec = 50'000'000};
    siginfo_t information;
    result("timed out", sigtimedwait(&set, &information, &while_nobody_sends));
    const timespec none{};
    kill(getpid(), SIGUSR2);
    result("there already", sigtimedwait(&set, &information, &none) == SIGUSR2);
    print_trail();
}

/// Two wait for a handler, in pause(2) and in sigsuspend(2), which lets in what is blocked else.
void suspended() {
    handle_by(SIGUSR1, [](int) { ++handled; });
    const sigset_t set = set_of({SIGUSR1});
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    constexpr int times = 30;
    static std::atomic<int> woken{0};
    const pthread_t suspending = start([] {
        sigset_t none;
        sigemptyset(&none);
        for (int number = 0; number < times; ++number) {
            REQUIRE_THAT(sigsuspend(&none) == -1 && errno == EINTR);
            ++woken;
            trail(1);
        }
    });
    const pthread_t pausing = start([set] {
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        for (int number = 0; number < times; ++number) {
            REQUIRE_THAT(pause() == -1 && errno == EINTR);
            ++woken;
            trail(2);
        }
    });
    sleep_ms(1);
    for (int number = 0; number < times; ++number) {
        REQUIRE_THAT(pthread_kill(suspending, SIGUSR1) == 0);
        REQUIRE_THAT(pthread_kill(pausing, SIGUSR1) == 0);
        trail(3);
        while (woken < 2 * (number + 1))
            sched_yield();
        sleep_ms(1);
    }
    pthread_join(suspending, nullptr);
    pthread_join(pausing, nullptr);
    result("handled", handled);
    print_trail();
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
                                  {"stopped-sleepers", stopped_sleepers},
                                  {"stopped-workers", stopped_workers},
                                  {"stopped-by-semaphore", stopped_by_semaphore},
                                  {"stopped-from-outside", stopped_from_outside},
                                  {"at-any-time", at_any_time},
                                  {"waited-for", waited_for},
                                  {"suspended", suspended},
                                  {"blocked", blocked}};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
