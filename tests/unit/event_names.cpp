#include <escapement/host_facts.hpp>

#include <catch2/catch.hpp>
#include <linux/perf_event.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

using namespace escapement;

namespace {

HostFacts plain() {
    HostFacts facts;
    facts.cpu_name = "a CPU";
    return facts;
}

/// Two types of core: 0 to 3 and 4 to 7.
HostFacts hybrid() {
    HostFacts facts = plain();
    facts.vendor = CpuVendor::intel;
    facts.family = 6;
    facts.core_pmus = {{.name = "cpu_atom", .type = 10, .cpus = {4, 5, 6, 7}},
                       {.name = "cpu_core", .type = 4, .cpus = {0, 1, 2, 3}}};
    return facts;
}

EventCode code_of(const std::string& name) {
    const auto event = find_event(name, plain(), 0);
    REQUIRE(event);
    CHECK(event->name == name);
    return event->code;
}

}  // namespace

TEST_CASE("an event can be given by its code") {
    CHECK(code_of("r08") == EventCode{.type = PERF_TYPE_RAW, .config = 0x08});
    CHECK(code_of("r1C4") == EventCode{.type = PERF_TYPE_RAW, .config = 0x1c4});
    CHECK(code_of("rffffffffffffffff") == EventCode{.type = PERF_TYPE_RAW, .config = ~std::uint64_t{0}});
    CHECK(code_of("4:0x08") == EventCode{.type = 4, .config = 8});
    CHECK(code_of("1:2") == EventCode{.type = 1, .config = 2});
    CHECK(code_of("4:010:0X3") == EventCode{.type = 4, .config = 8, .config1 = 3});
    CHECK(code_of("0:0") == EventCode{});
}

TEST_CASE("what is no event is refused in words") {
    for (const char* const bad : {"4", "4:", "4:x", "4:8:", "4:8:1:1", "4:-1", "4: 8", "08:8", "4294967296:1",
                                  "4:0x", "4:99999999999999999999"}) {
        const auto event = find_event(bad, plain(), 0);
        CAPTURE(bad);
        REQUIRE_FALSE(event);
        CHECK(event.error().find(std::string("'") + bad + "' is no event: a code") == 0);
    }
    const auto long_one = find_event("r11112222333344445", plain(), 0);
    REQUIRE_FALSE(long_one);
    CHECK(long_one.error() == "r11112222333344445 is a code of more than 64 bits");
    CHECK_FALSE(find_event("", plain(), 0));
    const auto name = find_event("NO_SUCH_EVENT", plain(), 0);
    REQUIRE_FALSE(name);
    CHECK(name.error().find("'NO_SUCH_EVENT' is n") == 0);
    CHECK(name.error().find("give") != std::string::npos);
    CHECK_FALSE(find_event("r", plain(), 0));
    CHECK_FALSE(find_event("rx", plain(), 0));
}

TEST_CASE("libpfm4 knows events by name") {
    const auto event = find_event("PERF_COUNT_SW_PAGE_FAULTS", plain(), 0);
    REQUIRE(event);
    CHECK(event->name == "perf::PERF_COUNT_SW_PAGE_FAULTS");
    CHECK(event->code == EventCode{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS});
}

TEST_CASE("on a hybrid processor a code is for the core that the thread runs on") {
    const auto big = find_event("r11c4", hybrid(), 2);
    REQUIRE(big);
    CHECK(big->code == EventCode{.type = 4, .config = 0x11c4});
    const auto other = find_event("10:0x7ec4", hybrid(), 2);
    REQUIRE_FALSE(other);
    CHECK(other.error() ==
          "10:0x7ec4 cannot be counted: it is an event of cpu_atom (CPUs 4-7), but the thread runs on CPU 2, "
          "which has cpu_core; keep it there: taskset -c 4-7");
    const auto right = find_event("10:0x7ec4", hybrid(), 5);
    REQUIRE(right);
    CHECK(right->code.type == 10);
}

TEST_CASE("on big.LITTLE a raw code goes to the thread's own type of core") {
    HostFacts facts = plain();
    facts.vendor = CpuVendor::arm;
    facts.core_pmus = {{.name = "armv8_cortex_a53", .type = 8, .cpus = {0, 1}},
                       {.name = "armv8_cortex_a72", .type = 9, .cpus = {2, 3}}};
    CHECK(find_event("r08", facts, 1)->code.type == 8);
    CHECK(find_event("r08", facts, 3)->code.type == 9);
}

TEST_CASE("clocks are chosen by the processor's maker") {
    // libpfm4 knows the events of the CPU that this runs on, and of no other: codes are what is left.
    HostFacts facts = plain();
    CHECK(clock_candidates(facts, 0).empty());
    facts.vendor = CpuVendor::arm;
    const auto arm = clock_candidates(facts, 0);
    REQUIRE(!arm.empty());
    CHECK(arm.front().code.config == 0x08);
    CHECK(arm.front().name.find("INST_RETIRED") != std::string::npos);
    const auto alarms = alarm_candidates(arm.front(), facts, 0);
    REQUIRE(alarms.size() == 2);
    CHECK(alarms[0].code == arm.front().code);
    CHECK(alarms[1].code.config == 0x11);
    facts.vendor = CpuVendor::amd;
    facts.family = 0x15;
    CHECK(clock_candidates(facts, 0).empty());
    facts.family = 0x1a;
    const auto zen = clock_candidates(facts, 0);
    REQUIRE(!zen.empty());
    CHECK(zen.front().code.config == 0xd1);
    CHECK(alarm_candidates(zen.front(), facts, 0).size() == 2);
}

namespace {

/// The clocks that a process finds for which libpfm4 believes that the processor is `processor`.
std::string clock_on(const char* processor, const HostFacts& facts, unsigned cpu) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        // A process of its own, which begins anew: libpfm4 looks once.
        setenv("LIBPFM_FORCE_PMU", processor, 1);
        const auto events = clock_candidates(facts, cpu);
        const std::string text = events.empty() ? "none" : std::to_string(events.front().code.config);
        [[maybe_unused]] const auto written = write(ends[1], text.data(), text.size());
        _exit(0);
    }
    close(ends[1]);
    char text[64] = {};
    const auto length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return length < 0 ? "" : text;
}

}  // namespace

TEST_CASE("unknown Intel processors get the codes of the newest") {
    HostFacts facts = hybrid();
    CHECK(clock_on("no_such_processor", facts, 0) == std::to_string(0x11c4));
    CHECK(clock_on("no_such_processor", facts, 5) == std::to_string(0x7ec4));
}
