// Boundaries at random places of code whose every instruction is known: all exact, or told.

#include "pmu.hpp"
#include "walk.hpp"

#include <escapement/known_code.hpp>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>

using namespace escapement;
using namespace hardware;

namespace {

// --- code
// ----------------------------------------------------------------------------------------------------

template <std::size_t index>
void known() {
    const KnownCode& code = known_code()[index];
    if (code.available()) static_cast<void>(code.run(60));
}

void fork_in_the_road() {
    volatile unsigned value = 12345;
    for (unsigned turn = 0; turn < 200; ++turn) {
        if ((value & 3) == 0)
            value = value / 3 + 17;
        else
            value = value * 5 + 1;
    }
}

void system_calls() {
    for (unsigned turn = 0; turn < 20; ++turn)
        static_cast<void>(syscall(SYS_getppid));
}

volatile sig_atomic_t signals_seen = 0;
void on_signal(int /*signal*/) {
    signals_seen = signals_seen + 1;
}

/// Signals that it sends to itself.
void signals() {
    for (unsigned turn = 0; turn < 10; ++turn)
        raise(SIGUSR1);
}

unsigned char* faulty_page = nullptr;
void mend(int /*signal*/, siginfo_t* /*information*/, void* /*context*/) {
    mprotect(faulty_page, 4096, PROT_READ | PROT_WRITE);
}

/// Stores that fault, and are executed again once their handler has mended the page.
void faults() {
    for (unsigned turn = 0; turn < 5; ++turn) {
        mprotect(faulty_page, 4096, PROT_NONE);
        *static_cast<volatile unsigned char*>(faulty_page) = 1;
    }
}

/// For each test: Catch takes SIGSEGV back at a test's end.
void prepare() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, nullptr);
    action = {};
    action.sa_sigaction = mend;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    if (faulty_page != nullptr) return;
    faulty_page = static_cast<unsigned char*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(faulty_page != MAP_FAILED);
}

struct Named {
    const char* name;
    Code code;
};

/// Code that begins again where an exclusive store fails: how often is up to the signals in it.
bool begins_again(const KnownCode& code) {
    return code.again != KnownCounts{};
}

std::vector<Named> codes() {
    prepare();
    std::vector<Named> all = {{"forks", fork_in_the_road},
                              {"system calls", system_calls},
                              {"signals", signals},
                              {"faults", faults}};
    constexpr Code known_codes[] = {known<0>, known<1>, known<2>, known<3>, known<4>,
                                    known<5>, known<6>, known<7>, known<8>, known<9>};
    for (std::size_t index = 0; index < known_code().size() && index < std::size(known_codes); ++index) {
        const KnownCode& code = known_code()[index];
        if (code.available() && !begins_again(code)) all.push_back({code.name, known_codes[index]});
    }
    return all;
}

CountedThreadOptions stepped() {
    return {.stepped = true, .clock = {}, .alarm = {}, .margin = 0, .alarm_signal = SIGRTMAX};
}

void require_exact(const Named& each, const CountedThreadOptions& options, std::size_t boundaries,
                   Count longest) {
    const Verdict verdict = walk(each.code, options, boundaries, longest);
    INFO(each.name << ": " << verdict.boundaries << " boundaries, " << verdict.wrong << " wrong");
    if (verdict.first_wrong) {
        UNSCOPED_INFO("first wrong: at count " << verdict.first_wrong->clock << ", address " << std::hex
                                               << verdict.first_wrong->address);
    }
    if (verdict.miss) {
        UNSCOPED_INFO("missed: target " << verdict.miss->target << ", at " << verdict.miss->at.clock
                                        << ", why " << static_cast<int>(verdict.miss->why));
    }
    CHECK(!verdict.miss);
    CHECK(verdict.wrong == 0);
    CHECK(verdict.unplaced == 0);
    CHECK(verdict.boundaries >= boundaries);
    std::printf("%s: %zu boundaries exact, %llu alarms, %llu steps\n", each.name, verdict.boundaries,
                static_cast<unsigned long long>(verdict.statistics.alarms),
                static_cast<unsigned long long>(verdict.statistics.steps));
}

Counting prepared() {
    CountedThread::install_handlers(SIGRTMAX);
    const auto counting = counting_here();
    REQUIRE(counting);
    return *counting;
}

/// So many boundaries in all, each code its share.
void require_all_exact(Count margin, std::size_t boundaries, Count longest) {
    if (!has_pmu()) return;
    const auto counting = prepared();
    const auto all = codes();
    for (const Named& each : all)
        require_exact(each, options_of(counting, margin), boundaries / all.size() + 1, longest);
}

}  // namespace

TEST_CASE("boundaries by single steps are exact") {
    for (const Named& each : codes())
        require_exact(each, stepped(), 25, 300);
}

TEST_CASE("boundaries by alarms alone are exact") {
    require_all_exact(0, 100'000, 400);
}

TEST_CASE("boundaries by alarms and 64 steps are exact") {
    require_all_exact(64, 2'000, 600);
}

TEST_CASE("boundaries by alarms and 1024 steps are exact") {
    require_all_exact(1024, 100, 3000);
}

// Minutes long: a step costs two visits to the kernel.
TEST_CASE("many boundaries by alarms and steps are exact", "[.][campaign]") {
    require_all_exact(64, 10'000, 600);
    require_all_exact(1024, 500, 3000);
}

TEST_CASE("a clock does not see its boundaries") {
    if (!has_pmu()) return;
    const auto counting = prepared();
    static_cast<void>(length_of(fork_in_the_road, options_of(counting, 0), 0));  // symbols are bound
    for (const Named& each : codes()) {
        INFO(each.name);
        const Count alone = length_of(each.code, options_of(counting, 0), 0);
        CHECK(length_of(each.code, options_of(counting, 0), 0) == alone);
        CHECK(length_of(each.code, options_of(counting, 0), 300) == alone);
        CHECK(length_of(each.code, options_of(counting, 64), 300) == alone);
    }
}

TEST_CASE("code that begins again counts what it did, with boundaries in it") {
    if (!has_pmu()) return;
    const auto counting = prepared();
    for (const KnownCode& code : known_code()) {
        if (!code.available() || !begins_again(code)) continue;
        INFO(code.name);
        for (const Count margin : {Count{0}, Count{64}}) {
            Walker walker(1, 300, 5);
            CountedThread thread(options_of(counting, margin), walker);
            REQUIRE(thread.begin());
            const auto length = [&](Count turns) {
                const Count before = thread.clock();
                thread.resume(turns == 1 ? no_boundary : before + 1);
                const Count again = code.run(turns);
                thread.pause();
                return std::int64_t(thread.clock() - before) - counts_of(code, turns, again).instructions;
            };
            static_cast<void>(length(1));  // what happens only once has happened
            const std::int64_t around = length(1);
            for (const Count turns : {Count{3000}, Count{5000}, Count{7000}})
                CHECK(length(turns) == around);
            CHECK(!walker.miss());
        }
    }
}

TEST_CASE("an alarm that comes late is told, not followed") {
    if (!has_pmu()) return;
    const auto counting = prepared();
    if (counting.alarm == counting.clock) {
        std::printf("cannot run here: this processor's alarms come in time\n");
        return;
    }
    // The clock's own event as alarm: in the laboratory it is late until the next entry to the kernel.
    CountedThreadOptions options = options_of(counting, 64);
    options.alarm = counting.clock;
    Walker walker(1000, 400, 1);
    CountedThread thread(options, walker);
    REQUIRE(thread.begin());
    thread.resume(20'000);
    for (unsigned turn = 0; turn < 3'000'000; ++turn)
        asm volatile("" ::"r"(turn));
    thread.pause();
    REQUIRE(walker.miss());
    CHECK(walker.count() == 0);
    CHECK(walker.miss()->target == 20'000);
    CHECK(walker.miss()->at.clock > 20'000);
}

TEST_CASE("a kick comes at the same instruction every time") {
    if (!has_pmu()) return;
    const auto counting = prepared();
    struct Kick final : BoundaryListener {
        Count at_boundary(CountedThread& /*thread*/, const Boundary& here) override {
            address = here.address;
            flag = 1;  // what the kick does, in the thread's own context
            return no_boundary;
        }
        void missed(CountedThread& /*thread*/, const Miss& /*miss*/) override { address = 1; }
        std::uintptr_t address = 0;
        volatile unsigned flag = 0;
    };
    std::vector<std::pair<std::uintptr_t, Count>> seen;
    for (unsigned round = 0; round < 20; ++round) {
        Kick kick;
        CountedThread thread(options_of(counting, round % 2 == 0 ? 0 : 64), kick);
        REQUIRE(thread.begin());
        Count turns = 0;
        thread.resume(thread.clock() + 123'456);
        while (kick.flag == 0)
            ++turns;
        thread.pause();
        seen.emplace_back(kick.address, turns);
    }
    for (const auto& each : seen)
        CHECK(each == seen.front());
    CHECK(seen.front().first > 1);
}
