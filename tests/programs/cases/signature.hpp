#pragma once
// What a test program prints: results, which must be what they are without any order, and the interleaving of
// its threads, which must be the same every time.
//
//     trail(3);                       // "here is thread 3", from any thread at any moment
//     result("sum", sum);             // a line that the order may not change
//     print_trail();                  // a line that begins with "order"
//
// The trail is written without any ordered operation, so that watching changes nothing.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace cases {

inline constexpr std::size_t trail_room = 1U << 20U;
inline std::atomic<std::size_t> trail_size{0};
inline unsigned char trail_bytes[trail_room];

/// Relaxed: the trail is read when all threads are done, and joining them orders that.
inline void trail(unsigned mark) {
    const std::size_t at = trail_size.fetch_add(1, std::memory_order_relaxed);
    if (at < trail_room) trail_bytes[at] = static_cast<unsigned char>(mark);
}

/// Source: FNV-1a, 64 bits (Fowler, Noll, Vo).
inline void print_trail() {
    const std::size_t size = trail_size.load(std::memory_order_relaxed);
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t at = 0; at < size && at < trail_room; ++at)
        hash = (hash ^ trail_bytes[at]) * 0x100000001b3;
    std::printf("order of %zu marks: %016llx ", size, static_cast<unsigned long long>(hash));
    for (std::size_t at = 0; at < size && at < 120; ++at)
        std::printf("%c",
                    trail_bytes[at] < 36 ? "0123456789abcdefghijklmnopqrstuvwxyz"[trail_bytes[at]] : '?');
    std::printf("\n");
}

inline void result(const char* what, long long value) {
    std::printf("%s: %lld\n", what, value);
}

/// Something that depends on the order, other than the trail.
inline void order(const char* what, long long value) {
    std::printf("order: %s: %lld\n", what, value);
}

[[noreturn]] inline void wrong(const char* what, const char* file, int line) {
    std::printf("%s:%d: not so: %s\n", file, line, what);
    std::fflush(stdout);
    std::_Exit(99);
}

/// Some work that no compiler removes and that takes a different time in every thread.
inline unsigned work(unsigned amount) {
    volatile unsigned value = amount;
    for (unsigned step = 0; step < amount; ++step)
        value = value * 1664525U + 1013904223U;
    return value;
}

/// One program of several: the scenario that its first argument names.
struct Scenario {
    const char* name;
    void (*run)();
};

template <std::size_t count>
int choose(const Scenario (&scenarios)[count], int argc, char** argv) {
    for (const Scenario& each : scenarios) {
        if (argc > 1 && std::strcmp(argv[1], each.name) == 0) {
            each.run();
            std::fflush(stdout);
            return 0;
        }
    }
    std::fprintf(stderr, "which scenario?\n");
    return 2;
}

}  // namespace cases

#define REQUIRE_THAT(condition)                                         \
    do {                                                                \
        if (!(condition)) cases::wrong(#condition, __FILE__, __LINE__); \
    } while (false)
