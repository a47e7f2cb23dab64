// A program with an allocator of its own, which takes two locks, as some do.

#include "posix_thread.hpp"

#include <pthread.h>

#include <cerrno>

using namespace cases;

namespace {

pthread_mutex_t arena = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t pages = PTHREAD_MUTEX_INITIALIZER;
alignas(64) unsigned char memory[64U << 20U];
std::size_t used = 0;

void* take(std::size_t size, std::size_t alignment) {
    pthread_mutex_lock(&arena);
    pthread_mutex_lock(&pages);  // at a boundary between the two the others go on
    const std::size_t at = (used + 16 + alignment - 1) / alignment * alignment;
    used = at + size;
    void* result = nullptr;
    if (used <= sizeof memory) {
        result = memory + at;
        std::memcpy(memory + at - sizeof size, &size, sizeof size);
    }
    pthread_mutex_unlock(&pages);
    pthread_mutex_unlock(&arena);
    return result;
}

void churn() {
    together(4, [](unsigned number) {
        for (unsigned round = 0; round < 100; ++round) {
            trail(number);
            const std::vector<unsigned> values(number * 10, round);
            if (round % 10 == 0) pthread_join(start([number] { trail(10 + number); }), nullptr);
        }
    });
    print_trail();
}

constexpr Scenario scenarios[] = {{"churn", churn}};

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
    return take(size, 16);
}

void free(void* /*memory*/) {}

void* calloc(std::size_t count, std::size_t size) {
    return take(count * size, 16);  // never used before, so it is zero
}

void* realloc(void* old, std::size_t size) {
    void* const result = take(size, 16);
    if (old == nullptr || result == nullptr) return result;
    std::size_t before = 0;
    std::memcpy(&before, static_cast<unsigned char*>(old) - sizeof before, sizeof before);
    std::memcpy(result, old, before < size ? before : size);
    return result;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return take(size, alignment);
}

void* memalign(std::size_t alignment, std::size_t size) {
    return take(size, alignment);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
    *result = take(size, alignment);
    return *result == nullptr ? ENOMEM : 0;
}
}

int main(int argc, char** argv) {
    return choose(scenarios, argc, argv);
}
