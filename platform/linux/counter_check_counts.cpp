// Checks that every clock must pass: that it counts what it must, always the same, all the time, however
// read.
#include "counter_checks.hpp"
#include "page.hpp"
#include "raw_system_call.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <ctime>

namespace escapement {

namespace {

constexpr CountedKind kinds[] = {
    {"instructions", [](const KnownCounts& counts) { return counts.instructions; }},
    {"conditional branches", [](const KnownCounts& counts) { return counts.conditional(); }},
    {"branches", [](const KnownCounts& counts) { return counts.branches(); }},
    {"taken branches", [](const KnownCounts& counts) { return counts.taken + counts.jumps; }},
};

constexpr Count iterations = 1000;

bool begins_again(const KnownCode& code) {
    return code.again != KnownCounts{};
}

/// A few things that interrupt a program, or the same instructions without: fresh pages or pages that are
/// there, a system call that sleeps or one that returns at once. Only instructions in user mode may tell.
struct Disturbance {
    char* memory;
    long call;
    long argument;
};

constexpr std::size_t pages = 16;

[[gnu::noinline]] tl::expected<Reading, CounterFailure> disturbed(const Counter& counter,
                                                                  const Disturbance& disturbance) {
    const auto before = counter.read_in_tries();
    for (std::size_t number = 0; number < pages; ++number) {
        static_cast<volatile char*>(disturbance.memory)[number * page] = 1;
        raw_system_call(disturbance.call, disturbance.argument);
    }
    auto after = counter.read_in_tries();
    if (!before) return before;
    if (after) after->value -= before->value;
    return after;
}

}  // namespace

// One place for all measurements, so that what lies around the code counts the same for all.
[[gnu::noinline]] tl::expected<Measured, CounterFailure> measure(const Counter& counter,
                                                                 const KnownCode& code, Count n) {
    for (;;) {
        const auto before = counter.read_in_tries();
        const Count again = code.run(n);
        const auto after = counter.read_in_tries();
        if (!before) return tl::unexpected(before.error());
        if (!after) return tl::unexpected(after.error());
        if (after->tries <= 1) return Measured{.count = after->value - before->value, .again = again};
    }
}

bool counts_as(const CountedKind& kind, const CheckBench& bench, const KnownCode& code,
               std::string& counted) {
    const auto few = measure(bench.counter, code, 1);
    const auto many = measure(bench.counter, code, 1 + iterations);
    if (!few || !many) {
        counted = explain((few ? many : few).error(), bench.event);
        return false;
    }
    const std::int64_t expected =
        kind.of(counts_of(code, 1 + iterations, many->again)) - kind.of(counts_of(code, 1, few->again));
    const auto found = static_cast<std::int64_t>(many->count - few->count);
    counted =
        std::to_string(found) + " for " + std::to_string(expected) + ' ' + kind.name + " (" + code.name + ')';
    return found == expected;
}

const CountedKind* kind_counted(const CheckBench& bench, std::string& why) {
    const CountedKind* best = nullptr;
    std::size_t most = 0;
    for (const CountedKind& kind : kinds) {
        std::size_t agreed = 0;
        std::string counted;
        bool all = true;
        for (const KnownCode& code : known_code()) {
            if (!code.available() || begins_again(code)) continue;
            all = counts_as(kind, bench, code, counted);
            if (!all) break;
            ++agreed;
        }
        if (all) return &kind;
        // What it fails by is told of the kind that it comes closest to.
        if (best == nullptr || agreed > most) {
            best = &kind;
            most = agreed;
            why = counted;
        }
    }
    return nullptr;
}

Check check_counts(const CheckBench& bench) {
    std::string why;
    const CountedKind* const kind = kind_counted(bench, why);
    if (kind == nullptr) return failed(CheckName::counts, bench.event.name + " counted " + why);
    return passed(CheckName::counts, std::string("it counts ") + kind->name);
}

Check check_repeats(const CheckBench& bench) {
    constexpr int rounds = 16;
    void* const memory =
        mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return failed(CheckName::repeats, "there is no memory to check with");
    const timespec moment{.tv_sec = 0, .tv_nsec = 1};
    const Disturbance calm{.memory = static_cast<char*>(memory), .call = SYS_getppid, .argument = 0};
    const Disturbance wild{.memory = static_cast<char*>(memory),
                           .call = SYS_nanosleep,
                           .argument = reinterpret_cast<long>(&moment)};
    Check result = passed(CheckName::repeats, std::to_string(rounds) + " times the same, disturbed and not");
    Count expected = 0;
    for (int round = 0; round < rounds; ++round) {
        if (round % 2 == 1) madvise(memory, pages * page, MADV_DONTNEED);
        const auto count = disturbed(bench.counter, round % 2 == 1 ? wild : calm);
        if (!count) {
            result = failed(CheckName::repeats, explain(count.error(), bench.event));
            break;
        }
        if (count->tries > 1) {  // what more tries count is not the code's
            --round;
            continue;
        }
        if (round == 0) expected = count->value;
        if (count->value != expected) {
            result = failed(CheckName::repeats,
                            "the same instructions counted " + std::to_string(expected) + " and, " +
                                (round % 2 == 1 ? "through page faults and sleeps, " : "the next time, ") +
                                std::to_string(count->value));
            break;
        }
    }
    munmap(memory, pages * page);
    return result;
}

Check check_pinned(const CheckBench& bench) {
    for (int round = 0; round < 8; ++round) {
        raw_system_call(SYS_sched_yield);
        if (const auto count = bench.counter.read_by_call(); !count) {
            return failed(CheckName::pinned, explain(count.error(), bench.event));
        }
    }
    return passed(CheckName::pinned, "it counts all the time");
}

Check check_agrees(const CheckBench& bench) {
    if (!bench.counter.reads_in_user_space()) {
        return not_applicable(
            CheckName::agrees,
            "it is read by read(2): the kernel gives no access to user space" +
                std::string(bench.facts.user_access == 0 ? "; run: sysctl kernel.perf_user_access=1" : ""));
    }
    constexpr int rounds = 64;
    Count before = 0;
    Count after = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto first = bench.counter.read_in_tries();
        const auto called = bench.counter.read_by_call();
        const auto second = bench.counter.read_in_tries();
        if (!first || !called || !second) {
            return failed(CheckName::agrees, "it cannot be read any more");
        }
        if (second->tries != 1) {
            --round;
            continue;
        }
        // Two constant distances: the instructions between the reads.
        if (round == 0) {
            before = *called - first->value;
            after = second->value - *called;
        }
        if (*called - first->value != before || second->value - *called != after || *called < first->value ||
            second->value < *called) {
            return failed(CheckName::agrees, "in user space it reads " + std::to_string(first->value) +
                                                 " and " + std::to_string(second->value) +
                                                 ", and by read(2) in between " + std::to_string(*called));
        }
    }
    return passed(CheckName::agrees, std::to_string(rounds) + " times");
}

}  // namespace escapement
