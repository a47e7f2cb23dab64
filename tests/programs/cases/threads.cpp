// Threads: begun, joined in every way, detached, by the thousand, and what happens at their end.

#include "posix_thread.hpp"

#include <dlfcn.h>
#include <threads.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace cases;

namespace {

void joined() {
    static pthread_t sleeper;
    sleeper = start([] { sleep_ms(500); });
    REQUIRE_THAT(pthread_tryjoin_np(sleeper, nullptr) == EBUSY);
    timespec limit = after_ms(CLOCK_REALTIME, 100);
    REQUIRE_THAT(pthread_timedjoin_np(sleeper, nullptr, &limit) == ETIMEDOUT);
    limit = after_ms(CLOCK_MONOTONIC, 100);
    REQUIRE_THAT(pthread_clockjoin_np(sleeper, nullptr, CLOCK_MONOTONIC, &limit) == ETIMEDOUT);
    limit = after_ms(CLOCK_REALTIME, 1000);
    REQUIRE_THAT(pthread_timedjoin_np(sleeper, nullptr, &limit) == 0);
    REQUIRE_THAT(pthread_join(pthread_self(), nullptr) == EDEADLK);
    const pthread_t forever = start([] { sleep_ms(50); });
    REQUIRE_THAT(pthread_timedjoin_np(forever, nullptr, nullptr) == 0);

    pthread_t valued{};
    pthread_create(
        &valued, nullptr, [](void* value) -> void* { pthread_exit(value); }, &sleeper);
    void* value = nullptr;
    unsigned tries = 0;
    while (pthread_tryjoin_np(valued, &value) == EBUSY)
        ++tries;
    REQUIRE_THAT(value == &sleeper);
    order("tries", tries);

    // Two wait for each other's end in a chain.
    const pthread_t first = start([] { sleep_ms(20); });
    const pthread_t second = start([=] { pthread_join(first, nullptr); });
    REQUIRE_THAT(pthread_join(second, nullptr) == 0);
    result("done", 1);
}

void detached() {
    static std::atomic<unsigned> ended{0};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (unsigned number = 1; number <= 20; ++number) {
        const auto body = [number] {
            sleep_ms(number % 5);
            trail(number);
            ++ended;
        };
        if (number % 3 == 0) {
            start(body, &attributes);
        } else {
            const pthread_t thread = start(body);
            if (number % 3 == 1) sleep_ms(10);
            REQUIRE_THAT(pthread_detach(thread) == 0);
        }
    }
    while (ended < 20)
        sleep_ms(1);
    result("ended", ended);
    print_trail();
}

/// More than there are numbers at a time.
void thousands() {
    static std::atomic<unsigned> sum{0};
    for (unsigned round = 0; round < 150; ++round) {
        together(20, [](unsigned number) {
            sum += number;
            trail(number);
        });
    }
    result("sum", sum);
    print_trail();
}

/// The least stack that there is.
void small_stacks() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    REQUIRE_THAT(pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN)) == 0);
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    std::vector<pthread_t> threads;
    for (unsigned number = 1; number <= 4; ++number) {
        threads.push_back(start(
            [number] {
                for (unsigned round = 0; round < 50; ++round) {
                    pthread_mutex_lock(&mutex);
                    trail(number);
                    pthread_mutex_unlock(&mutex);
                    sleep_ms(1);
                }
            },
            &attributes));
    }
    for (const pthread_t thread : threads)
        pthread_join(thread, nullptr);
    print_trail();
}

pthread_mutex_t end_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_key_t key;
unsigned locals_ended = 0;
unsigned keys_ended = 0;

struct Local {
    unsigned number = 0;
    ~Local() {
        pthread_mutex_lock(&end_mutex);
        ++locals_ended;
        trail(number);
        sleep_ms(1);
        pthread_mutex_unlock(&end_mutex);
    }
};

void destructors() {
    pthread_key_create(&key, [](void* value) {
        static thread_local unsigned round = 0;
        pthread_mutex_lock(&end_mutex);
        ++keys_ended;
        trail(10);
        pthread_mutex_unlock(&end_mutex);
        if (++round < 3) pthread_setspecific(key, value);
    });
    together(5, [](unsigned number) {
        static thread_local Local local;
        local.number = number;
        pthread_setspecific(key, &key);
    });
    result("locals", locals_ended);
    result("keys", keys_ended);
    print_trail();
}

/// Main ends first; the process ends with the last thread, with status 0.
void main_exits() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    std::atexit([] {
        std::printf("at exit\n");
        std::fflush(stdout);
    });
    for (unsigned number = 1; number <= 3; ++number) {
        start(
            [number] {
                sleep_ms(10L * number);
                std::printf("thread %u\n", number);
                std::fflush(stdout);
            },
            &attributes);
    }
    pthread_exit(nullptr);
}

/// Another thread joins main, and ends the process.
void main_is_joined() {
    static const pthread_t initial = pthread_self();
    start([] {
        REQUIRE_THAT(pthread_join(initial, nullptr) == 0);
        std::printf("main has ended\n");
        std::exit(7);
    });
    pthread_exit(nullptr);
}

void standard_c() {
    static mtx_t mutex;
    static cnd_t condition;
    static unsigned turn = 0;
    static once_flag flag = ONCE_FLAG_INIT;
    static unsigned begun = 0;
    mtx_init(&mutex, mtx_timed);
    cnd_init(&condition);
    thrd_t threads[4];
    for (unsigned& number : *new unsigned[1][4]{{0, 1, 2, 3}}) {
        REQUIRE_THAT(thrd_create(
                         &threads[number],
                         [](void* memory) {
                             const unsigned mine = *static_cast<unsigned*>(memory);
                             call_once(&flag, [] { ++begun; });
                             for (unsigned round = 0; round < 100; ++round) {
                                 mtx_lock(&mutex);
                                 while (turn % 4 != mine)
                                     cnd_wait(&condition, &mutex);
                                 ++turn;
                                 cnd_broadcast(&condition);
                                 mtx_unlock(&mutex);
                                 trail(mine);
                                 if (round % 10 == mine) thrd_yield();
                             }
                             return static_cast<int>(mine) * 10;
                         },
                         &number) == thrd_success);
    }
    for (const thrd_t thread : threads) {
        int value = 0;
        REQUIRE_THAT(thrd_join(thread, &value) == thrd_success);
        result("value", value);
    }
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    timespec standard{};
    REQUIRE_THAT(timespec_get(&standard, TIME_UTC) == TIME_UTC);
    REQUIRE_THAT(standard.tv_sec - now.tv_sec <= 1);
    mtx_lock(&mutex);
    timespec limit = after_ms(CLOCK_REALTIME, 30);
    REQUIRE_THAT(cnd_timedwait(&condition, &mutex, &limit) == thrd_timedout);
    const timespec shortly{.tv_sec = 0, .tv_nsec = 30'000'000};
    REQUIRE_THAT(thrd_sleep(&shortly, nullptr) == 0);
    REQUIRE_THAT(mtx_trylock(&mutex) == thrd_busy);
    mtx_unlock(&mutex);
    result("begun", begun);
    result("turn", turn);
    print_trail();
}

/// A thread ends while others go on, and gives its heap back: who begins then finds it. Where its memory lies
/// the next one sees, counted in heaps of the C library's.
void heaps() {
    constexpr std::uintptr_t heap_size = std::uintptr_t{64} << 20;
    static std::vector<std::uintptr_t> seen;
    seen.reserve(1000);
    for (unsigned round = 0; round < 200; ++round) {
        pthread_detach(start([] {
            void* const memory = std::malloc(100);
            const std::uintptr_t heap = reinterpret_cast<std::uintptr_t>(memory) / heap_size;
            std::free(memory);
            const auto known = std::find(seen.begin(), seen.end(), heap);
            trail(static_cast<unsigned>(known - seen.begin()));
            if (known == seen.end()) seen.push_back(heap);
        }));
        sleep_ms(1);
    }
    print_trail();
}

/// In the last round of its destructors, when it has left the order, a thread waits for a lock whose holder
/// sleeps.
void end_waits() {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_key_t own;
    static unsigned rounds = 0;
    const pthread_t first = start([] {});  // makes the order's own key the first
    REQUIRE_THAT(pthread_join(first, nullptr) == 0);
    REQUIRE_THAT(pthread_key_create(&own, [](void* value) {
                     if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
                         pthread_setspecific(own, value);
                         return;
                     }
                     pthread_mutex_lock(&mutex);
                     pthread_mutex_unlock(&mutex);
                 }) == 0);
    pthread_mutex_lock(&mutex);
    const pthread_t thread = start([] { pthread_setspecific(own, &own); });
    sleep_ms(10);
    pthread_mutex_unlock(&mutex);
    REQUIRE_THAT(pthread_join(thread, nullptr) == 0);
    result("rounds", rounds);
}

/// The C library loads the unwinder for the first thread that ends itself; here somebody else is loading
/// something, and lets others go on meanwhile.
void end_while_loading() {
    const pthread_t thread = start([] {
        sleep_ms(1);
        pthread_exit(nullptr);
    });
    std::string path(PATH_MAX, '\0');
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
    REQUIRE_THAT(length > 0);
    path.resize(path.rfind('/', static_cast<std::size_t>(length)));
    REQUIRE_THAT(dlopen((path + "/libslow_to_load.so").c_str(), RTLD_NOW) != nullptr);
    pthread_join(thread, nullptr);
    result("done", 1);
}

constexpr Scenario scenarios[] = {
    {"joined", joined},
    {"detached", detached},
    {"thousands", thousands},
    {"destructors", destructors},
    {"main-exits", main_exits},
    {"main-is-joined", main_is_joined},
    {"standard-c", standard_c},
    {"small-stacks", small_stacks},
    {"heaps", heaps},
    {"end-waits", end_waits},
    {"end-while-loading", end_while_loading},
};

}  // namespace

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
