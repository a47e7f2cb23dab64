#include "walk.hpp"

#include <escapement/event.hpp>

#include <catch2/catch.hpp>

using namespace escapement;

extern "C" {
void escapement_test_nops();
void escapement_test_end();
extern const unsigned char escapement_test_nops_begin[];
extern const unsigned char escapement_test_nops_end[];
}

namespace hardware {

namespace {

constexpr std::size_t nop_count = 3000;

int alarm_signal() {
    return SIGRTMAX;
}

bool in_nops(std::uintptr_t address) {
    return address >= reinterpret_cast<std::uintptr_t>(escapement_test_nops_begin) &&
           address < reinterpret_cast<std::uintptr_t>(escapement_test_nops_end);
}

std::size_t nop_size() {
    return static_cast<std::size_t>(escapement_test_nops_end - escapement_test_nops_begin) / nop_count;
}

std::size_t nops_before(std::uintptr_t address) {
    return (address - reinterpret_cast<std::uintptr_t>(escapement_test_nops_begin)) / nop_size();
}

__attribute__((noinline)) void walk_through(Code code) {
    escapement_test_nops();
    code();
    escapement_test_end();
}

}  // namespace

Count Walker::at_boundary(CountedThread& /*thread*/, const Boundary& here) {
    if (count_ < met_.size()) met_[count_++] = here;
    return here.clock + 1 + (longest_ > 1 ? random_() % longest_ : 0);
}

std::optional<Counting> counting_here() {
    for (const Event& clock : clock_candidates()) {
        if (!Counter::open(clock.code)) continue;
        for (const Event& alarm : alarm_candidates(clock)) {
            // Late by up to millions of counts in the laboratory: QEMU looks at the next entry to the kernel.
            if (alarm.code == clock.code && alarm_candidates(clock).size() > 1) continue;
            return Counting{.clock = clock.code, .alarm = alarm.code};
        }
    }
    return std::nullopt;
}

CountedThreadOptions options_of(const Counting& counting, Count margin) {
    return {.stepped = false,
            .clock = counting.clock,
            .alarm = counting.alarm,
            .margin = margin,
            .alarm_signal = alarm_signal()};
}

std::vector<std::uintptr_t> trace_of(Code code) {
    code();  // what happens only once (symbols are bound) has happened
    CountedThread::install_handlers(alarm_signal());
    Walker walker(4'000'000, 1, 0);
    CountedThread thread(
        {.stepped = true, .clock = {}, .alarm = {}, .margin = 0, .alarm_signal = alarm_signal()}, walker);
    REQUIRE(thread.begin());
    // Here because a boundary in the first thousand counts would be put off.
    thread.resume(1);
    walk_through(code);
    thread.pause();
    thread.end();
    REQUIRE(!walker.miss());
    REQUIRE(walker.count() < walker.met().size());
    std::vector<std::uintptr_t> addresses;
    Count origin = 0;
    for (std::size_t index = 0; index < walker.count(); ++index) {
        const Boundary& each = walker.met()[index];
        if (addresses.empty()) {
            if (!in_nops(each.address)) continue;
            const std::size_t before = nops_before(each.address);
            // Executed before the first boundary, and nothing but nops.
            const auto begin = reinterpret_cast<std::uintptr_t>(escapement_test_nops_begin);
            for (std::size_t nop = 0; nop < before; ++nop)
                addresses.push_back(begin + nop * nop_size());
            origin = each.clock - before;
        }
        // What follows is the measuring itself.
        if (each.address == reinterpret_cast<std::uintptr_t>(&escapement_test_end)) break;
        // Where several instructions are one step there is no place between them.
        addresses.resize(each.clock - origin, 0);
        addresses.push_back(each.address);
    }
    return addresses;
}

Verdict walk(Code code, const CountedThreadOptions& options, std::size_t boundaries, Count longest) {
    const std::vector<std::uintptr_t> trace = trace_of(code);
    Verdict verdict;
    Walker walker(boundaries, longest, 4711);
    CountedThread thread(options, walker);
    REQUIRE(thread.begin());
    while (verdict.boundaries < boundaries && !walker.miss()) {
        walker.forget();
        thread.resume(thread.clock() + 1);
        walk_through(code);
        thread.pause();
        std::optional<Count> origin;
        for (std::size_t index = 0; index < walker.count(); ++index) {
            const Boundary& each = walker.met()[index];
            if (!origin && in_nops(each.address)) origin = each.clock - nops_before(each.address);
            if (!origin) continue;
            const Count at = each.clock - *origin;
            if (at >= trace.size()) continue;  // on the way back from the code
            ++verdict.boundaries;
            if (trace[at] == each.address) continue;
            if (!verdict.first_wrong) verdict.first_wrong = each;
            ++verdict.wrong;
        }
        if (!origin) ++verdict.unplaced;
        if (verdict.unplaced > 1000) break;
    }
    verdict.miss = walker.miss();
    verdict.statistics = thread.statistics();
    return verdict;
}

Count length_of(Code code, const CountedThreadOptions& options, Count longest) {
    CountedThread::install_handlers(alarm_signal());
    Walker walker(1, longest, 99);
    CountedThread thread(options, walker);
    REQUIRE(thread.begin());
    walk_through(code);  // what happens only once has happened
    const Count before = thread.clock();
    thread.resume(longest == 0 ? no_boundary : before + 1);
    walk_through(code);
    thread.pause();
    REQUIRE(!walker.miss());
    return thread.clock() - before;
}

}  // namespace hardware
