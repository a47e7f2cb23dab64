#include "randomness.hpp"

#include "descriptors.hpp"
#include "real.hpp"
#include "runtime.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <random>

namespace escapement::preload {

namespace {

bool names_random_device(const char* path) {
    return std::strcmp(path, "/dev/urandom") == 0 || std::strcmp(path, "/dev/random") == 0;
}

ssize_t read_randomly(void* /*cookie*/, char* buffer, std::size_t size) {
    const Entry entry;
    if (entry.ordered()) runtime().operation();
    fill_randomly(buffer, size);
    return static_cast<ssize_t>(size);
}

int opened(int descriptor, const char* path) {
    if (mode.load(std::memory_order_relaxed) == Mode::ordering && names_random_device(path)) {
        note_descriptor(descriptor, DescriptorKind::random_device);
    }
    return descriptor;
}

mode_t mode_argument(int flags, va_list list) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
}

}  // namespace

void fill_randomly(void* memory, std::size_t size) {
    static std::mt19937_64 generator(runtime().settings().seed);
    auto* to = static_cast<unsigned char*>(memory);
    while (size > 0) {
        const std::uint64_t word = generator();
        const std::size_t part = size < sizeof word ? size : sizeof word;
        std::memcpy(to, &word, part);
        to += part;
        size -= part;
    }
}

}  // namespace escapement::preload

using namespace escapement::preload;

ESCAPEMENT_EXPORT ssize_t getrandom(void* memory, std::size_t size, unsigned flags) {
    const Entry entry;
    if (!entry.ordered()) return real().getrandom(memory, size, flags);
    runtime().operation();
    fill_randomly(memory, size);
    return static_cast<ssize_t>(size);
}

ESCAPEMENT_EXPORT int getentropy(void* memory, std::size_t size) {
    const Entry entry;
    if (!entry.ordered()) return real().getentropy(memory, size);
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    runtime().operation();
    fill_randomly(memory, size);
    return 0;
}

ESCAPEMENT_EXPORT int open(const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t permissions = mode_argument(flags, list);
    va_end(list);
    return opened(real().open(path, flags, permissions), path);
}

ESCAPEMENT_EXPORT int open64(const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t permissions = mode_argument(flags, list);
    va_end(list);
    return opened(real().open(path, flags | O_LARGEFILE, permissions), path);
}

ESCAPEMENT_EXPORT int openat(int directory, const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t permissions = mode_argument(flags, list);
    va_end(list);
    return opened(real().openat(directory, path, flags, permissions), path);
}

ESCAPEMENT_EXPORT int openat64(int directory, const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t permissions = mode_argument(flags, list);
    va_end(list);
    return opened(real().openat(directory, path, flags | O_LARGEFILE, permissions), path);
}

namespace {
FILE* open_stream(const char* path, const char* how) {
    if (mode.load(std::memory_order_relaxed) == Mode::ordering && names_random_device(path) &&
        how[0] == 'r') {
        return fopencookie(nullptr, how,
                           {.read = read_randomly, .write = nullptr, .seek = nullptr, .close = nullptr});
    }
    return real().fopen(path, how);
}
}  // namespace

ESCAPEMENT_EXPORT FILE* fopen(const char* path, const char* how) {
    return open_stream(path, how);
}
ESCAPEMENT_EXPORT FILE* fopen64(const char* path, const char* how) {
    return open_stream(path, how);
}
