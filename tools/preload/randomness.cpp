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
    if (entry.ordered()) runtime().operation(OperationKind::random, nullptr);
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
    // The callers have begun it.
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized)
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
using escapement::OperationKind;

ESCAPEMENT_EXPORT ssize_t getrandom(void* memory, std::size_t size, unsigned flags) {
    const Entry entry;
    if (!entry.ordered()) return real().getrandom(memory, size, flags);
    runtime().operation(OperationKind::random, nullptr);
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
    runtime().operation(OperationKind::random, nullptr);
    fill_randomly(memory, size);
    return 0;
}

// The C library asks the kernel itself for these, where nobody can see it.

ESCAPEMENT_EXPORT void arc4random_buf(void* memory, std::size_t size) noexcept {
    const Entry entry;
    if (!entry.ordered()) {
        static const auto next = reinterpret_cast<decltype(&arc4random_buf)>(next_function("arc4random_buf"));
        return next(memory, size);
    }
    runtime().operation(OperationKind::random, nullptr);
    fill_randomly(memory, size);
}

ESCAPEMENT_EXPORT std::uint32_t arc4random() noexcept {
    std::uint32_t value = 0;
    arc4random_buf(&value, sizeof value);
    return value;
}

ESCAPEMENT_EXPORT std::uint32_t arc4random_uniform(std::uint32_t bound) noexcept {
    if (bound < 2) return 0;
    const std::uint32_t excess = -bound % bound;  // 2^32 modulo bound: below it, some would come too often
    std::uint32_t value = arc4random();
    while (value < excess)
        value = arc4random();
    return value % bound;
}

/// std::random_device::_M_getval() of libstdc++, which asks the processor. It gets that name when this
/// library is linked (CMakeLists.txt): the C++ library that is linked into it has one as well.
ESCAPEMENT_EXPORT unsigned escapement_random_device_value(void* device) {
    const Entry entry;
    if (!entry.ordered()) {
        static const auto next =
            reinterpret_cast<unsigned (*)(void*)>(next_function("_ZNSt13random_device9_M_getvalEv"));
        return next(device);
    }
    runtime().operation(OperationKind::random, nullptr);
    unsigned value = 0;
    fill_randomly(&value, sizeof value);
    return value;
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

// What programs that were built with _FORTIFY_SOURCE call, as Debian's are, where the flags are not known to
// the compiler; flags that need a mode end the process. Source: glibc, io/bits/fcntl2.h.

ESCAPEMENT_EXPORT int __open_2(const char* path, int flags) {
    static const auto next = reinterpret_cast<int (*)(const char*, int)>(next_function("__open_2"));
    return opened(next(path, flags), path);
}

ESCAPEMENT_EXPORT int __open64_2(const char* path, int flags) {
    return __open_2(path, flags | O_LARGEFILE);
}

ESCAPEMENT_EXPORT int __openat_2(int directory, const char* path, int flags) {
    static const auto next = reinterpret_cast<int (*)(int, const char*, int)>(next_function("__openat_2"));
    return opened(next(directory, path, flags), path);
}

ESCAPEMENT_EXPORT int __openat64_2(int directory, const char* path, int flags) {
    return __openat_2(directory, path, flags | O_LARGEFILE);
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
