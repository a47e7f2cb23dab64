// Timers that signal: what they say, when their handlers run, and what they interrupt.

#include "handlers.hpp"
#include "posix_thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

using namespace cases;

namespace {

std::atomic<unsigned> handled{0};

void count(int /*signal*/) {
    ++handled;
}

void tick_every(long milliseconds) {
    const timeval time{.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    const itimerval value{.it_interval = time, .it_value = time};
    REQUIRE_THAT(setitimer(ITIMER_REAL, &value, nullptr) == 0);
}

long ms_of(const itimerspec& time) {
    return time.it_value.tv_sec * 1000 + time.it_value.tv_nsec / 1'000'000;
}

timer_t timer(int notify, int value, long first_ms, long then_ms, clockid_t clock = CLOCK_MONOTONIC) {
    sigevent event{};
    event.sigev_notify = notify;
    event.sigev_signo = SIGRTMIN + 1;
    event.sigev_value.sival_int = value;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    timer_t made{};
    REQUIRE_THAT(timer_create(clock, &event, &made) == 0);
    const itimerspec time{.it_interval = {.tv_sec = then_ms / 1000, .tv_nsec = then_ms % 1000 * 1'000'000},
                          .it_value = {.tv_sec = first_ms / 1000, .tv_nsec = first_ms % 1000 * 1'000'000}};
    REQUIRE_THAT(timer_settime(made, 0, &time, nullptr) == 0);
    return made;
}

/// What the kernel's do, too.
void interrupting() {
    handle_by(SIGALRM, count);
    result("was set", alarm(100));
    result("seconds left", alarm(1));
    result("slept short", sleep(3) != 0);
    result("handled", handled);
    int ends[2];
    char byte = 0;
    REQUIRE_THAT(pipe(ends) == 0);
    const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 20'000}};
    REQUIRE_THAT(setitimer(ITIMER_REAL, &soon, nullptr) == 0);
    REQUIRE_THAT(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    ualarm(20'000, 0);
    REQUIRE_THAT(pause() == -1 && errno == EINTR);
    result("handled", handled);
    itimerval left{};
    REQUIRE_THAT(getitimer(ITIMER_REAL, &left) == 0);
    result("left", left.it_value.tv_sec + left.it_value.tv_usec);
    const itimerval wrong{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 1'000'000}};
    REQUIRE_THAT(setitimer(ITIMER_REAL, &wrong, nullptr) == -1 && errno == EINVAL);
    // A wait that goes on after the handler.
    handle_by(
        SIGALRM, [](int) { ++handled; }, SA_RESTART);
    const pthread_t writer = start([&ends] {
        sleep_ms(60);
        REQUIRE_THAT(write(ends[1], "x", 1) == 1);
    });
    REQUIRE_THAT(setitimer(ITIMER_REAL, &soon, nullptr) == 0);
    REQUIRE_THAT(read(ends[0], &byte, 1) == 1);
    pthread_join(writer, nullptr);
    result("handled", handled);
}

sigjmp_buf place;

/// As programs that give up waiting do.
void jumping() {
    handle_by(SIGALRM, [](int) { siglongjmp(place, 1); });
    static int round = 0;  // not lost by the jump
    for (; round < 3; ++round) {
        if (sigsetjmp(place, 1) == 0) {
            alarm(1);
            sleep(100);
            result("slept on", 1);
        } else {
            result("gave up", round);
        }
    }
    together(3, [](unsigned me) {
        for (unsigned step = 0; step < 20; ++step) {
            trail(me);
            sched_yield();
        }
    });
    print_trail();
}

/// Ticks among threads that sleep, work and wait for a lock's holder; the handler sets the next itself.
void ticks() {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    handle_by(SIGALRM, [](int) {
        trail(9);
        if (++handled < 100) ualarm(700, 0);
    });
    ualarm(700, 0);
    together(4, [](unsigned me) {
        for (unsigned round = 0; round < 60; ++round) {
            work(1000 * me);
            trail(me);
            if (me == 1) sleep_ms(1);
            if (me == 2) sched_yield();
            if (me > 2) {
                pthread_mutex_lock(&mutex);
                if (round % 20 == 0) sleep_ms(2);
                pthread_mutex_unlock(&mutex);
            }
        }
    });
    alarm(0);
    order("ticks", handled);
    print_trail();
}

void numbered() {
    static std::atomic<int> values{0};
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = [](int, siginfo_t* information, void*) {
        REQUIRE_THAT(information->si_code == SI_TIMER);
        values = values * 10 + information->si_value.sival_int;
    };
    sigaction(SIGRTMIN + 1, &action, nullptr);
    const timer_t first = timer(SIGEV_SIGNAL, 1, 20, 0);
    const timer_t second = timer(SIGEV_THREAD_ID, 2, 40, 0, CLOCK_REALTIME);
    const timer_t third = timer(SIGEV_NONE, 3, 500'000, 0);
    while (values < 12)
        sleep_ms(100);
    result("in order of their time", values);
    itimerspec left{};
    REQUIRE_THAT(timer_gettime(third, &left) == 0);
    result("hundreds of seconds left", (ms_of(left) + 99'999) / 100'000);
    REQUIRE_THAT(timer_gettime(first, &left) == 0 && ms_of(left) == 0);
    // What comes while it is blocked is one signal, and the number of the others.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    const timer_t often = timer(SIGEV_SIGNAL, 4, 40, 40);
    sleep_ms(220);
    siginfo_t information{};
    REQUIRE_THAT(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    result("value", information.si_value.sival_int);
    result("missed", information.si_overrun);
    result("missed", timer_getoverrun(often));
    REQUIRE_THAT(sigwaitinfo(&set, &information) == SIGRTMIN + 1);
    result("missed", timer_getoverrun(often));
    for (const timer_t each : {first, second, third, often})
        REQUIRE_THAT(timer_delete(each) == 0);
    REQUIRE_THAT(timer_gettime(often, &left) == -1 && errno == EINVAL);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    result("in order of their time", values);
}

/// Timers whose functions run on threads of their own.
void calls() {
    static sem_t called;
    static std::atomic<int> calls{0};
    sem_init(&called, 0, 0);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval value) {
        trail(static_cast<unsigned>(value.sival_int));
        ++calls;
        sem_post(&called);
    };
    timer_t timers[2];
    for (int number = 0; number < 2; ++number) {
        event.sigev_value.sival_int = number + 5;
        REQUIRE_THAT(timer_create(CLOCK_MONOTONIC, &event, &timers[number]) == 0);
        const timespec time{.tv_sec = 0, .tv_nsec = (number + 2) * 10'000'000};
        const itimerspec value{.it_interval = time, .it_value = time};
        REQUIRE_THAT(timer_settime(timers[number], 0, &value, nullptr) == 0);
    }
    together(2, [](unsigned me) {
        for (unsigned round = 0; round < 10; ++round) {
            REQUIRE_THAT(sem_wait(&called) == 0);
            trail(me);
        }
    });
    for (const timer_t each : timers)
        REQUIRE_THAT(timer_delete(each) == 0);
    result("enough", calls >= 20);
    print_trail();
}

/// A child has no alarm of its parent's; another program of the same process has.
void inherited() {
    alarm(1);
    std::fflush(stdout);
    if (fork() == 0) {
        result("a child's", alarm(0));
        std::fflush(stdout);
        _exit(0);
    }
    REQUIRE_THAT(wait(nullptr) > 0);
    char name[] = "sleep";
    char time[] = "20";
    char* const arguments[] = {name, time, nullptr};
    REQUIRE_THAT(execvp("no such program", arguments) == -1);
    execlp(name, name, time, static_cast<char*>(nullptr));
}

/// Computes until a flag is set, as benchmarks do.
void computing() {
    handle_by(SIGALRM, count);
    tick_every(1);
    while (handled < 3) {
    }
    result("done", 1);
}

/// Nobody can go on, but a handler may help.
void helping() {
    static sem_t wanted;
    sem_init(&wanted, 0, 0);
    handle_by(
        SIGALRM, [](int) { sem_post(&wanted); }, SA_RESTART);
    alarm(1);
    const pthread_t waiting = start([] {
        while (sem_wait(&wanted) != 0) {
        }
    });
    pthread_join(waiting, nullptr);
    result("helped", 1);
}

/// Nobody can go on, and no handler helps.
void stuck() {
    handle_by(SIGALRM, count);
    tick_every(10);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

constexpr Scenario scenarios[] = {
    {"interrupting", interrupting}, {"jumping", jumping}, {"ticks", ticks},
    {"numbered", numbered},         {"calls", calls},     {"inherited", inherited},
    {"computing", computing},       {"helping", helping}, {"stuck", stuck}};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
