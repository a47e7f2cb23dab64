// Ways to end, and not to end: statuses, signals, deadlocks, threads that keep their turn.

#include "posix_thread.hpp"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace cases;

namespace {

pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

void say(const char* line) {
    std::printf("%s\n", line);
    std::fflush(stdout);
}

[[noreturn]] void wait_for_ever() {
    for (;;)
        sleep(1'000'000);
}

void status() {
    start([] { wait_for_ever(); });
    std::exit(42);
}

/// As qemu-user ends.
void exit_group() {
    start([] { wait_for_ever(); });
    say("done");
    syscall(SYS_exit_group, 0);
}

void aborts() {
    start([] { wait_for_ever(); });
    std::abort();
}

void segv() {
    const pthread_t thread = start([] {
        volatile int* const nowhere = nullptr;
        *nowhere = 1;
    });
    pthread_join(thread, nullptr);
}

void killed() {
    start([] { kill(getpid(), SIGKILL); });
    wait_for_ever();
}

void terminated() {
    start([] { raise(SIGTERM); });
    wait_for_ever();
}

/// Two take two locks, each in its own order.
void deadlock() {
    const pthread_t other = start([] {
        pthread_setname_np(pthread_self(), "other");
        pthread_mutex_lock(&second);
        sleep_ms(1);
        pthread_mutex_lock(&first);
    });
    pthread_mutex_lock(&first);
    sleep_ms(1);
    pthread_mutex_lock(&second);
    pthread_join(other, nullptr);
}

/// Names that a terminal would obey, and one that is no UTF-8; then a report that has them.
void names() {
    pthread_mutex_lock(&first);
    const pthread_t clears = start([] { pthread_mutex_lock(&first); });
    const pthread_t titles = start([] { pthread_mutex_lock(&first); });
    pthread_setname_np(clears,
                       "\x1b[2J\xc2\x9b"
                       "1m\xe9");
    pthread_setname_np(titles, "\x1b]0;x\x07\n\"<b>");
    pthread_join(clears, nullptr);
}

void self_deadlock() {
    pthread_mutex_lock(&first);
    pthread_mutex_lock(&first);
}

void lost_wakeup() {
    pthread_mutex_lock(&first);
    pthread_cond_signal(&condition);  // nobody waits yet
    pthread_cond_wait(&condition, &first);
}

void lonely_semaphore() {
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    const pthread_t other = start([&] { sem_wait(&semaphore); });
    pthread_join(other, nullptr);
}

std::atomic<bool> flag{false};

/// Waits for the flag without any call.
void spins() {
    const pthread_t spinner = start([] {
        pthread_setname_np(pthread_self(), "spinner");
        while (!flag.load(std::memory_order_relaxed)) {
        }
    });
    pthread_setname_np(pthread_self(), "setter");
    sleep_ms(1);
    flag = true;
    pthread_join(spinner, nullptr);
    result("done", 1);
}

/// Inline, as a program that does without the C library has it.
long read_unordered(int descriptor) {
    char byte = 0;
    long got = 0;
#if defined(__x86_64__)
    __asm__ volatile("syscall"
                     : "=a"(got)
                     : "a"(SYS_read), "D"(descriptor), "S"(&byte), "d"(1)
                     : "rcx", "r11", "memory");
#else
    got = syscall(SYS_read, descriptor, &byte, 1);
#endif
    return got;
}

/// Sleeps in a system call that nobody orders, until another thread, which needs its turn, ends that.
void unordered_call() {
    int ends[2];
    REQUIRE_THAT(pipe(ends) == 0);
    const pthread_t reader = start([&] { REQUIRE_THAT(read_unordered(ends[0]) == 1); });
    sleep_ms(1);
    REQUIRE_THAT(write(ends[1], "x", 1) == 1);
    pthread_join(reader, nullptr);
    result("done", 1);
}

/// The same, but who needs the turn has lost its own in such a call, as the threads of OpenMP's runtime do.
void unordered_calls() {
    int there[2];
    int back[2];
    REQUIRE_THAT(pipe(there) == 0 && pipe(back) == 0);
    const pthread_t other = start([&] {
        REQUIRE_THAT(syscall(SYS_write, there[1], "x", 1) == 1);
        REQUIRE_THAT(read_unordered(back[0]) == 1);
    });
    REQUIRE_THAT(read_unordered(there[0]) == 1);
    REQUIRE_THAT(write(back[1], "x", 1) == 1);
    pthread_join(other, nullptr);
    result("done", 1);
}

/// Reads standard input while others work.
void reads() {
    static std::atomic<bool> over{false};
    static unsigned rounds = 0;
    const pthread_t worker = start([] {
        while (!over) {
            sched_yield();
            if (++rounds == 1000) say("works");
            if (rounds > 1000) sleep_ms(1);
        }
    });
    char byte = 0;
    long long sum = 0;
    while (read(0, &byte, 1) == 1)
        sum += byte;
    over = true;
    pthread_join(worker, nullptr);
    result("sum", sum);
}

/// The same by a stream.
void reads_lines() {
    static std::atomic<bool> over{false};
    const pthread_t worker = start([] {
        unsigned rounds = 0;
        while (!over) {
            sleep_ms(1);
            if (++rounds == 10) say("works");
        }
    });
    char line[64];
    while (std::fgets(line, sizeof line, stdin) != nullptr)
        std::printf("line: %s", line);
    over = true;
    pthread_join(worker, nullptr);
}

void all_wait() {
    for (int number = 0; number < 3; ++number)
        start([] { wait_for_ever(); });
    int ends[2];
    REQUIRE_THAT(pipe(ends) == 0);
    say("ready");
    char byte = 0;
    [[maybe_unused]] const ssize_t got = read(ends[0], &byte, 1);
}

void one_spins() {
    start([] {
        while (!flag.load(std::memory_order_relaxed)) {
        }
    });
    start([] { wait_for_ever(); });
    sleep_ms(1);
    say("ready");
    all_wait();
}

void ignore(int) {}

void install_handlers() {
    struct sigaction action {};
    action.sa_handler = ignore;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
}

void handlers_all_wait() {
    install_handlers();
    all_wait();
}

void handlers_one_spins() {
    install_handlers();
    one_spins();
}

void handlers_alone() {
    install_handlers();
    say("ready");
    for (;;)
        pause();
}

void handlers_alone_spin() {
    install_handlers();
    say("ready");
    for (;;)
        work(1000);
}

void handlers_outside() {
    install_handlers();
    start([] {
        for (;;)
            pause();
    });
    sleep_ms(1);
    all_wait();
}

/// The handler ends the program as it likes.
void own_ending() {
    struct sigaction action {};
    action.sa_handler = [](int) { _exit(33); };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    all_wait();
}

/// A thread takes all signals, by sigwait, and ends the program or not.
void taken(bool ends) {
    static sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    static bool exits = false;
    exits = ends;
    start([] {
        for (;;) {
            int signal = 0;
            sigwait(&set, &signal);
            if (exits) std::exit(44);
        }
    });
    all_wait();
}

/// Blocked for good.
void blocked() {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    all_wait();
}

void closes_all() {
    for (int descriptor = 3; descriptor < 1024; ++descriptor)
        close(descriptor);
    for (int descriptor = 0; descriptor < 1; ++descriptor)
        close(descriptor);
    together(3, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            pthread_mutex_lock(&first);
            trail(number);
            pthread_mutex_unlock(&first);
        }
    });
    print_trail();
    std::fflush(stdout);
    close(1);
    close(2);
}

/// What it starts is not ordered then; it is not harmed either.
void clears_environment() {
    clearenv();
    together(3, [](unsigned number) {
        pthread_mutex_lock(&first);
        trail(number);
        pthread_mutex_unlock(&first);
    });
    print_trail();
    std::fflush(stdout);
    execl("/bin/sh", "sh", "-c", "echo \"[$LD_PRELOAD]\"", nullptr);
}

/// Something that takes a while, wherever it is stopped.
void long_work() {
    say("ready");
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 3000; ++round) {
            pthread_mutex_lock(&first);
            trail(number);
            work(20000);
            pthread_mutex_unlock(&first);
            if (round % 100 == 0) sleep_ms(1);
        }
    });
    print_trail();
}

constexpr Scenario scenarios[] = {
    {"status", status},
    {"exit-group", exit_group},
    {"abort", aborts},
    {"segv", segv},
    {"killed", killed},
    {"terminated", terminated},
    {"deadlock", deadlock},
    {"self-deadlock", self_deadlock},
    {"lost-wakeup", lost_wakeup},
    {"lonely-semaphore", lonely_semaphore},
    {"spins", spins},
    {"unordered-call", unordered_call},
    {"unordered-calls", unordered_calls},
    {"names", names},
    {"reads", reads},
    {"reads-lines", reads_lines},
    {"all-wait", all_wait},
    {"one-spins", one_spins},
    {"handlers-all-wait", handlers_all_wait},
    {"handlers-one-spins", handlers_one_spins},
    {"handlers-alone", handlers_alone},
    {"handlers-alone-spin", handlers_alone_spin},
    {"handlers-outside", handlers_outside},
    {"own-ending", own_ending},
    {"sigwait-exits", [] { taken(true); }},
    {"sigwait-ignores", [] { taken(false); }},
    {"blocked", blocked},
    {"closes-all", closes_all},
    {"clears-environment", clears_environment},
    {"long-work", long_work},
};

}  // namespace

int main(int argc, char** argv) {
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    return choose(scenarios, argc, argv);
}
