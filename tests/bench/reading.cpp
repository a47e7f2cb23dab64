// What it costs to read a counter: the bare instruction in a loop, Counter::read, read(2), and another
// thread's counter. Without hardware counters only the system calls can be measured, by a software event.

#include "bare_read.hpp"
#include "table.hpp"

#include <escapement/counter.hpp>
#include <escapement/event.hpp>
#include <escapement/placement.hpp>

#include <linux/perf_event.h>
#include <sched.h>

#include <optional>
#include <semaphore>
#include <thread>

namespace {

using namespace escapement;

const perf_event_mmap_page& page_of(const Counter& counter) {
    return *static_cast<const perf_event_mmap_page*>(counter.page());
}

template <typename Read>
void repeat(benchmark::State& state, const EventCode& event, Read read) {
    const auto counter = Counter::open(event);
    if (!counter) {
        state.SkipWithError("the counter could not be opened");
        return;
    }
    for ([[maybe_unused]] auto iteration : state)
        benchmark::DoNotOptimize(read(*counter));
}

void bare(benchmark::State& state, const EventCode& event) {
    const auto counter = Counter::open(event);
    if (!counter || !counter->reads_in_user_space()) {
        state.SkipWithError("the counter cannot be read in user space");
        return;
    }
    const bench::BareRead read(page_of(*counter).index - 1);
    for ([[maybe_unused]] auto iteration : state)
        benchmark::DoNotOptimize(read());
}

void bare_ordered(benchmark::State& state, const EventCode& event) {
    const auto counter = Counter::open(event);
    if (!counter || !counter->reads_in_user_space()) {
        state.SkipWithError("the counter cannot be read in user space");
        return;
    }
    const bench::BareRead read(page_of(*counter).index - 1);
    for ([[maybe_unused]] auto iteration : state)
        benchmark::DoNotOptimize(read.ordered());
}

void own(benchmark::State& state, const EventCode& event) {
    repeat(state, event, [](const Counter& counter) { return counter.read(); });
}

void by_call(benchmark::State& state, const EventCode& event) {
    repeat(state, event, [](const Counter& counter) { return counter.read_by_call(); });
}

/// The other thread sleeps meanwhile.
void from_elsewhere(benchmark::State& state, const EventCode& event) {
    std::optional<Counter> counter;
    std::binary_semaphore opened(0);
    std::binary_semaphore over(0);
    std::thread other([&] {
        if (auto its_own = Counter::open(event)) counter.emplace(*std::move(its_own));
        opened.release();
        over.acquire();
        counter.reset();
    });
    opened.acquire();
    if (!counter) state.SkipWithError("the counter could not be opened");
    for ([[maybe_unused]] auto iteration : state)
        benchmark::DoNotOptimize(counter->read_from_elsewhere());
    over.release();
    other.join();
}

/// A hardware event that can be counted here, or why there is none.
tl::expected<Event, std::string> countable() {
    // Asked for whatever is known of this CPU, so that a refusal is the host's.
    Event any{.name = "instructions",
              .code = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS}};
    std::vector<Event> events = clock_candidates();
    events.push_back(any);
    std::string why;
    for (const Event& event : events) {
        const auto counter = Counter::open(event.code);
        if (counter) return event;
        why = explain(counter.error(), event);
    }
    return tl::unexpected(why);
}

}  // namespace

int main(int argc, char** argv) {
    // One core type, and one PMU.
    const auto allowed = allowed_cpus();
    if (const auto place = allowed.and_then([](const auto& cpus) { return choose_serial(cpus); })) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(*place->cpus.begin(), &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    const auto hardware = countable();
    EventCode event{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS};
    bool in_user_space = false;
    std::string why_not;
    if (hardware) {
        event = hardware->code;
        const auto counter = Counter::open(event);
        in_user_space = counter && counter->reads_in_user_space();
        why_not = "the kernel does not let user space read counters";
        std::printf("event: %s\n", hardware->name.c_str());
    } else {
        why_not = hardware.error();
        std::printf("event: page faults, counted by software\n");
    }
    const auto add = [&event](const char* name, auto* function) {
        benchmark::RegisterBenchmark(name, function, event)->UseRealTime();
    };
    if (in_user_space) {
        add("bare", bare);
        add("bare, ordered", bare_ordered);
        add("Counter::read", own);
    } else {
        bench::skip("bare instruction in a loop", why_not);
        bench::skip("bare instruction in a loop, ordered", why_not);
        bench::skip("Counter::read in user space", why_not);
    }
    if (Counter::open(event)) {
        add("read(2)", by_call);
        add("another thread's", from_elsewhere);
    } else {
        bench::skip("read(2), another thread's", why_not);
    }
    return bench::run(
        argc, argv,
        {{"Counter::read against the bare instruction in a loop", "Counter::read", "bare", "<= 1.3 (time)"},
         {"Counter::read against the same, ordered", "Counter::read", "bare, ordered", "<= 1.3 (time)"},
         {"read(2) against Counter::read", "read(2)", "Counter::read"},
         {"another thread's against read(2)", "another thread's", "read(2)"}});
}
