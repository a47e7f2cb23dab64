// What goes wrong in a process while its threads are ordered: nothing is left of memory or descriptors,
// threads are cancelled, exceptions pass through locks, signal handlers take them.

#include "posix_thread.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>

using namespace cases;

namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
const char* own_name = nullptr;

/// Every kind of wait, by three threads.
void ordered_work() {
    unsigned sum = 0;
    unsigned turn = 1;
    together(3, [&](unsigned number) {
        for (unsigned round = 0; round < 50; ++round) {
            pthread_mutex_lock(&mutex);
            while (turn != number)
                pthread_cond_wait(&condition, &mutex);
            sum += number;
            trail(number);
            turn = turn % 3 + 1;
            pthread_cond_broadcast(&condition);
            pthread_mutex_unlock(&mutex);
            if (round % 10 == 0) sleep_ms(1);
        }
    });
    result("sum", sum);
}

/// No more memory than there is now: threads can be had until there is none for a stack.
void no_memory() {
    ordered_work();
    std::size_t pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    REQUIRE_THAT(file != nullptr && std::fscanf(file, "%zu", &pages) == 1);
    std::fclose(file);
    const auto room = static_cast<rlim_t>(pages) * 4096 + (96U << 20U);
    const rlimit limit{.rlim_cur = room, .rlim_max = room};
    setrlimit(RLIMIT_AS, &limit);
    pthread_t threads[200];
    int made = 0;
    bool refused = false;
    pthread_mutex_lock(&mutex);
    for (; made < 200 && !refused; ++made) {
        refused = pthread_create(
                      &threads[made], nullptr,
                      [](void*) -> void* {
                          pthread_mutex_lock(&mutex);
                          pthread_mutex_unlock(&mutex);
                          return nullptr;
                      },
                      nullptr) != 0;
        if (refused) break;
    }
    pthread_mutex_unlock(&mutex);
    for (int each = 0; each < made; ++each)
        REQUIRE_THAT(pthread_join(threads[each], nullptr) == 0);
    result("some", made > 3 ? 1 : 0);
    result("refused", refused ? 1 : 0);
    ordered_work();
    print_trail();
}

void use_up_descriptors() {
    const rlimit limit{.rlim_cur = 64, .rlim_max = 64};
    REQUIRE_THAT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (dup(0) >= 0) {
    }
    REQUIRE_THAT(errno == EMFILE);
}

void no_descriptors() {
    use_up_descriptors();
    ordered_work();
    const pid_t child = fork();
    if (child == 0) {
        ordered_work();
        _exit(7);
    }
    int status = 0;
    REQUIRE_THAT(waitpid(child, &status, 0) == child);
    result("child", WEXITSTATUS(status));
    print_trail();
}

/// One sleeps where nobody can see it: the others are not to sleep with it.
void no_descriptors_and_asleep() {
    static int quiet[2];
    REQUIRE_THAT(pipe2(quiet, O_CLOEXEC) == 0);
    use_up_descriptors();
    const pthread_t other = start([] {
        sleep_ms(1);
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
        const char byte = 'x';
        REQUIRE_THAT(write(quiet[1], &byte, 1) == 1);
    });
    char byte = 0;
    long got = 0;
    // What a run time with system calls of its own would do: nobody stands in front of the C library's own.
    static const auto own_read =
        reinterpret_cast<ssize_t (*)(int, void*, size_t)>(dlsym(dlopen("libc.so.6", RTLD_LAZY), "read"));
    got = own_read(quiet[0], &byte, 1);
    result("got", got);
    pthread_join(other, nullptr);
}

/// Until it is killed.
void endless() {
    together(3, [](unsigned number) {
        for (;;) {
            pthread_mutex_lock(&mutex);
            work(number * 10);
            pthread_mutex_unlock(&mutex);
        }
    });
}

/// Goes from CPU to CPU, by itself.
void wanders() {
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    unsigned sum = 0;
    unsigned moved = 0;
    together(3, [&](unsigned number) {
        for (unsigned round = 0; round < 60; ++round) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET((number + round) % static_cast<unsigned>(cpus), &one);
            const bool there = sched_setaffinity(0, sizeof one, &one) == 0;
            pthread_mutex_lock(&mutex);
            moved += there ? 1 : 0;
            sum += number;
            trail(number);
            work(1000);
            pthread_mutex_unlock(&mutex);
        }
    });
    result("sum", sum);
    result("moved", moved > 0 ? 1 : 0);
    print_trail();
}

void forks_and_executes() {
    unsigned done = 0;
    together(3, [&](unsigned /*number*/) {
        for (unsigned round = 0; round < 3; ++round) {
            pthread_mutex_lock(&mutex);
            const pid_t child = fork();
            if (child == 0) {
                pthread_mutex_unlock(&mutex);  // the parent's state, and the child's own
                char name[] = "faults";
                char scenario[] = "executed";
                char* const arguments[] = {name, scenario, nullptr};
                if (round == 1) execv(own_name, arguments);
                pthread_mutex_lock(&mutex);
                pthread_mutex_unlock(&mutex);
                _exit(3);
            }
            pthread_mutex_unlock(&mutex);
            int status = 0;
            REQUIRE_THAT(waitpid(child, &status, 0) == child);
            REQUIRE_THAT(WIFEXITED(status) && WEXITSTATUS(status) == (round == 1 ? 0 : 3));
            pthread_mutex_lock(&mutex);
            ++done;
            pthread_mutex_unlock(&mutex);
        }
    });
    result("done", done);  // in which order children end is up to the host
}

void executed() {
    unsigned sum = 0;
    together(2, [&](unsigned number) {
        pthread_mutex_lock(&mutex);
        sum += number;
        pthread_mutex_unlock(&mutex);
    });
    if (sum != 3) _exit(1);
}

/// Waiting for a lock is no point of cancellation: the lock is had first, and given back.
void cancelled_in_lock_wait() {
    unsigned after = 0;
    for (const bool anywhere : {false, true}) {
        pthread_mutex_lock(&mutex);
        static bool asynchronous = false;
        asynchronous = anywhere;
        static std::atomic<int> got{0};
        got = 0;
        const pthread_t thread = start([] {
            int before = 0;
            if (asynchronous) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
            struct Unlock {
                ~Unlock() {
                    if (got == 1) pthread_mutex_unlock(&mutex);
                }
            } const unlock;
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
            pthread_mutex_lock(&mutex);
            got = 1;
            for (;;)
                sleep_ms(1000);
        });
        sleep_ms(2);  // it waits for the lock now
        REQUIRE_THAT(pthread_cancel(thread) == 0);
        trail(anywhere ? 2 : 1);
        pthread_mutex_unlock(&mutex);
        void* value = nullptr;
        REQUIRE_THAT(pthread_join(thread, &value) == 0);
        REQUIRE_THAT(value == PTHREAD_CANCELED);
        if (!anywhere) {  // one that is killed on its way may have taken the lock with it
            pthread_mutex_lock(&mutex);
            ++after;
            pthread_mutex_unlock(&mutex);
        }
    }
    result("after", after);
    print_trail();
}

/// What a thread that was cancelled still holds, nobody gets any more: that is to be said.
void cancelled_with_lock() {
    const pthread_t thread = start([] {
        pthread_mutex_lock(&mutex);
        for (;;)
            sleep_ms(1000);
    });
    pthread_setname_np(thread, "careless");
    sleep_ms(2);
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
    pthread_mutex_lock(&mutex);
}

void exceptions() {
    std::mutex guarded;
    std::condition_variable changed;
    unsigned caught = 0;
    bool go = false;
    together(3, [&](unsigned number) {
        for (unsigned round = 0; round < 20; ++round) {
            try {
                const std::scoped_lock lock(guarded);
                trail(number);
                if (round % number == 0) throw std::runtime_error("through a lock");
            } catch (const std::runtime_error&) {
                const std::scoped_lock lock(guarded);
                ++caught;
            }
        }
        try {
            std::unique_lock lock(guarded);
            go = go || number == 3;
            changed.notify_all();
            changed.wait(lock, [&] { return go; });
            throw std::runtime_error("through a condition's lock");
        } catch (const std::runtime_error&) {
            const std::scoped_lock lock(guarded);
            ++caught;
        }
    });
    result("caught", caught);
    print_trail();
}

/// Nobody catches it: the program ends as such programs do, whatever is held.
void exception_out_of_thread() {
    static std::mutex guarded;
    const pthread_t thread = start([] {
        const std::scoped_lock lock(guarded);
        throw std::runtime_error("nobody's");
    });
    sleep_ms(1);
    const std::scoped_lock lock(guarded);
    pthread_join(thread, nullptr);
}

pthread_mutex_t of_handler = PTHREAD_MUTEX_INITIALIZER;
unsigned handled = 0;

void take_lock(int /*signal*/) {
    pthread_mutex_lock(&of_handler);
    ++handled;
    pthread_mutex_unlock(&of_handler);
}

void handle_by(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    REQUIRE_THAT(sigaction(SIGUSR1, &action, nullptr) == 0);
}

/// Handlers take a lock that the others use too: of their own signals, and while they wait for another lock.
void handler_takes_lock() {
    handle_by(take_lock);
    unsigned sum = 0;
    together(3, [&](unsigned number) {
        for (unsigned round = 0; round < 20; ++round) {
            raise(SIGUSR1);
            trail(number);
            pthread_mutex_lock(&of_handler);
            sum += number;
            pthread_mutex_unlock(&of_handler);
        }
    });
    result("sum", sum);
    result("handled", handled);
    pthread_mutex_lock(&mutex);
    const pthread_t waits = start([] {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    });
    sleep_ms(1);
    REQUIRE_THAT(pthread_kill(waits, SIGUSR1) == 0);
    sleep_ms(1);
    pthread_mutex_unlock(&mutex);
    pthread_join(waits, nullptr);
    result("handled", handled);
}

/// What the thread itself holds, its handler waits for in vain.
void handler_takes_own_lock() {
    handle_by(take_lock);
    pthread_mutex_lock(&of_handler);
    raise(SIGUSR1);
}

/// Sleeps as long as it says, whatever happens to the host's clocks.
void tells_time() {
    timespec before{};
    timespec after{};
    std::printf("ready\n");
    std::fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &before);
    bool early = false;
    together(3, [&](unsigned number) {
        for (unsigned round = 0; round < 20; ++round) {
            const timespec deadline = after_ms(CLOCK_REALTIME, number);
            pthread_mutex_lock(&mutex);
            while (pthread_cond_timedwait(&condition, &mutex, &deadline) == 0) {
            }
            early = early || nanoseconds_between(deadline, after_ms(CLOCK_REALTIME, 0)) < 0;
            trail(number);
            pthread_mutex_unlock(&mutex);
        }
    });
    clock_gettime(CLOCK_MONOTONIC, &after);
    result("later", nanoseconds_between(before, after) >= 60'000'000 ? 1 : 0);
    result("early", early ? 1 : 0);
    print_trail();
}

constexpr Scenario scenarios[] = {
    {"no-memory", no_memory},
    {"no-descriptors", no_descriptors},
    {"no-descriptors-asleep", no_descriptors_and_asleep},
    {"endless", endless},
    {"wanders", wanders},
    {"forks", forks_and_executes},
    {"executed", executed},
    {"cancelled", cancelled_in_lock_wait},
    {"cancelled-with-lock", cancelled_with_lock},
    {"exceptions", exceptions},
    {"exception-out", exception_out_of_thread},
    {"handler", handler_takes_lock},
    {"handler-own-lock", handler_takes_own_lock},
    {"time", tells_time},
};

}  // namespace

int main(int argc, char** argv) {
    own_name = argv[0];
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    return choose(scenarios, argc, argv);
}
