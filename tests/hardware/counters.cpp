// Counters: exact, however they are read, through whatever interrupts a program.

#include "pmu.hpp"

#include <escapement/counter.hpp>
#include <escapement/event.hpp>
#include <escapement/known_code.hpp>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

using namespace escapement;

namespace {

/// The best clock that can be opened; null, having said why, if there is none.
std::unique_ptr<Event> clock_here() {
    if (!has_pmu()) return nullptr;
    const auto candidates = clock_candidates();
    if (candidates.empty()) {
        WARN("no event is known that could be a clock on this CPU");
        return nullptr;
    }
    return std::make_unique<Event>(candidates.front());
}

std::int64_t kind_of(const Event& event, const KnownCounts& counts) {
    return event.name.find("COND") == std::string::npos && event.name.find("BR_") == std::string::npos
               ? counts.instructions
               : counts.conditional();
}

/// Between two reads of one try each: what lies around the code is the same for all n.
[[gnu::noinline]] std::int64_t counted(const Counter& counter, const KnownCode& code, Count n, Count& again) {
    for (;;) {
        const auto before = counter.read_in_tries();
        again = code.run(n);
        const auto after = counter.read_in_tries();
        REQUIRE(before);
        REQUIRE(after);
        if (after->tries <= 1) return static_cast<std::int64_t>(after->value - before->value);
    }
}

/// Counted less what should be, for n iterations less for one.
std::int64_t excess(const Event& event, const Counter& counter, const KnownCode& code, Count n) {
    Count again_one = 0;
    Count again = 0;
    const auto one = counted(counter, code, 1, again_one);
    const auto many = counted(counter, code, n, again);
    return many - one -
           (kind_of(event, counts_of(code, n, again)) - kind_of(event, counts_of(code, 1, again_one)));
}

}  // namespace

TEST_CASE("known code counts what it must, a thousand times") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    for (const KnownCode& code : known_code()) {
        if (!code.available()) continue;
        CAPTURE(event->name, code.name);
        int wrong = 0;
        std::int64_t last = 0;
        for (Count round = 0; round < 1000; ++round) {
            const auto found = excess(*event, *counter, code, 2 + round % 97);
            if (found != 0) {
                ++wrong;
                last = found;
            }
        }
        CAPTURE(last);
        CHECK(wrong == 0);
    }
}

TEST_CASE("a long run counts what it must") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    for (const KnownCode& code : known_code()) {
        if (!code.available()) continue;
        CAPTURE(code.name);
        CHECK(excess(*event, *counter, code, 1'000'000) == 0);
    }
}

TEST_CASE("reading in user space and by read(2) agree") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    if (!counter->reads_in_user_space()) {
        WARN("the kernel lets user space read no counter here");
        return;
    }
    // Through enough sleeps and disturbances that the kernel has taken the counter away and given it back.
    std::vector<Count> distances;
    for (int round = 0; round < 1000; ++round) {
        if (round % 10 == 0) {
            const timespec moment{.tv_sec = 0, .tv_nsec = 1000};
            nanosleep(&moment, nullptr);
        }
        const auto fast = counter->read_in_tries();
        const auto called = counter->read_by_call();
        REQUIRE(fast);
        REQUIRE(called);
        REQUIRE(*called >= fast->value);
        if (round == 0) continue;  // the first calls resolve names
        distances.push_back(*called - fast->value);
    }
    const auto [least, most] = std::minmax_element(distances.begin(), distances.end());
    CHECK(*least == *most);
}

TEST_CASE("each try to read costs the same") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    const Count price = counter->price_of_a_try();
    CHECK((price != 0) == counter->reads_in_user_space());
    for (int round = 0; round < 100; ++round)
        REQUIRE(counter->price_of_a_try() == price);
}

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t pages = 64;

/// The same instructions, whatever the kernel has to do for them.
[[gnu::noinline]] Count touch_and_call(const Counter& counter, volatile char* memory, long call,
                                       long argument) {
    for (;;) {
        const auto before = counter.read_in_tries();
        for (std::size_t number = 0; number < pages; ++number) {
            memory[number * page] = 1;
            syscall(call, argument);
        }
        const auto after = counter.read_in_tries();
        REQUIRE(before);
        REQUIRE(after);
        if (after->tries <= 1) return after->value - before->value;
    }
}

}  // namespace

TEST_CASE("page faults and system calls count as nothing") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    void* const memory =
        mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto* const bytes = static_cast<volatile char*>(memory);
    const timespec moment{.tv_sec = 0, .tv_nsec = 1};
    touch_and_call(*counter, bytes, SYS_getppid, 0);  // the C library's first call resolves a name
    const Count calm = touch_and_call(*counter, bytes, SYS_getppid, 0);
    for (int round = 0; round < 20; ++round) {
        CHECK(touch_and_call(*counter, bytes, SYS_getppid, 0) == calm);
        madvise(memory, pages * page, MADV_DONTNEED);
        CHECK(touch_and_call(*counter, bytes, SYS_sched_yield, 0) == calm);
        CHECK(touch_and_call(*counter, bytes, SYS_nanosleep, reinterpret_cast<long>(&moment)) == calm);
    }
    munmap(memory, pages * page);
}

namespace {

std::atomic<int> ticks{0};
void tick(int) {
    ticks.fetch_add(1);
}

}  // namespace

TEST_CASE("a signal counts its handler, always the same") {
    const auto event = clock_here();
    if (!event) return;
    const auto counter = Counter::open(event->code);
    REQUIRE(counter);
    struct sigaction action {};
    action.sa_handler = tick;
    struct sigaction before {};
    REQUIRE(sigaction(SIGALRM, &action, &before) == 0);
    // What one signal adds is known from the first; then the timer's own come when they like.
    const KnownCode& code = known_code().front();
    Count again = 0;
    const auto calm = counted(*counter, code, 200'000, again);
    const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 1000},
                          .it_value = {.tv_sec = 0, .tv_usec = 1000}};
    std::int64_t price = 0;
    int interrupted = 0;
    setitimer(ITIMER_REAL, &often, nullptr);
    for (int round = 0; round < 50; ++round) {
        const int ticks_before = ticks.load();
        const auto found = counted(*counter, code, 200'000, again);
        const int came = ticks.load() - ticks_before;
        if (came == 0) {
            CHECK(found == calm);
            continue;
        }
        ++interrupted;
        // A signal between the tries of a read counts in them or not: those rounds say nothing.
        if ((found - calm) % came != 0) continue;
        if (price == 0) price = (found - calm) / came;
        CHECK(found - calm == price * came);
    }
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    CHECK(interrupted > 0);
    CHECK(price > 0);
}

TEST_CASE("another thread's counter can be read") {
    const auto event = clock_here();
    if (!event) return;
    std::atomic<const Counter*> theirs{nullptr};
    std::atomic<int> stage{0};
    Count own = 0;
    bool opened = false;
    std::thread other([&] {
        const auto counter = Counter::open(event->code);
        opened = counter.has_value();
        if (counter) theirs = &*counter;
        stage = 1;
        while (stage == 1)
            std::this_thread::yield();
        for (const KnownCode& code : known_code()) {
            if (opened && code.available()) code.run(1000);
        }
        if (opened) own = counter->read().value_or(0);
        stage = 3;
        while (stage == 3)
            std::this_thread::yield();
    });
    while (stage != 1)
        std::this_thread::yield();
    REQUIRE((opened || (stage = 4, other.join(), false)));
    const auto before = theirs.load()->read_from_elsewhere();
    stage = 2;
    while (stage != 3)
        std::this_thread::yield();
    const auto after = theirs.load()->read_from_elsewhere();
    stage = 4;
    other.join();
    REQUIRE(before);
    REQUIRE(after);
    CHECK(*before < own);
    CHECK(*after >= own);
}

TEST_CASE("as many counters as there are count together, and the next says that there is none") {
    const auto event = clock_here();
    if (!event) return;
    std::vector<Counter> counters;
    CounterFailure failure;
    for (;;) {
        auto counter = Counter::open(event->code);
        if (!counter) {
            failure = counter.error();
            break;
        }
        counters.push_back(std::move(*counter));
        REQUIRE(counters.size() < 256);
    }
    CHECK(failure.refusal == Refusal::multiplexed);
    CHECK(explain(failure, *event).find("no counter is free for it all the time") != std::string::npos);
    CHECK(counters.size() >= 2);
    // Those that there are count on, and all the same.
    for (const Counter& counter : counters) {
        for (const KnownCode& code : known_code()) {
            if (code.available()) CHECK(excess(*event, counter, code, 1000) == 0);
        }
    }
    // An alarm wants one too.
    auto alarm = Alarm::open(event->code, SIGRTMIN);
    REQUIRE_FALSE(alarm);
    CHECK(alarm.error().refusal == Refusal::multiplexed);
    counters.pop_back();
    CHECK(Counter::open(event->code));
}
