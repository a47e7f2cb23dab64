// Reads what lies below its frames on its stack after each ordered operation, as a garbage collector does
// that takes every word for a pointer, and prints what it saw as one number. Operations enough for several
// blocks of a journal.

#include <pthread.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

constexpr std::size_t seen = 12'000;

[[gnu::noinline]] void paint() {
    char area[seen + 1000];
    std::memset(area, 'x', sizeof area);
    asm volatile("" : : "r"(area) : "memory");
}

[[gnu::noinline]] std::uint64_t look(std::uint64_t hash) {
    std::uint64_t area[seen / sizeof(std::uint64_t)];
    // As if it had been written to.
    asm volatile("" : : "r"(area) : "memory");
    for (const std::uint64_t word : area)
        hash = (hash ^ word) * 1099511628211U;
    return hash;
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void* work(void* result) {
    std::uint64_t hash = 0;
    for (int round = 0; round < 20'000; ++round) {
        paint();
        pthread_mutex_lock(&mutex);
        hash = look(hash);
        paint();
        pthread_mutex_unlock(&mutex);
        hash = look(hash);
        if (round % 100 != 0) continue;
        timespec now{};
        paint();
        clock_gettime(CLOCK_MONOTONIC, &now);
        hash = look(hash);
        char input = 0;
        paint();
        hash += static_cast<std::uint64_t>(read(STDIN_FILENO, &input, 1));
        hash = look(hash);
    }
    *static_cast<std::uint64_t*>(result) = hash;
    return nullptr;
}

}  // namespace

int main() {
    std::uint64_t results[2] = {};
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, work, &results[1]) != 0) return 1;
    work(&results[0]);
    pthread_join(thread, nullptr);
    std::printf("%016llx %016llx\n", static_cast<unsigned long long>(results[0]),
                static_cast<unsigned long long>(results[1]));
}
