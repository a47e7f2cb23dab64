// That there is something here to test with: counters that count, by no more than the kernel's own interface.

#include "pmu.hpp"

#include <catch2/catch.hpp>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace {

std::uint64_t instructions_of(unsigned rounds) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    attributes.disabled = 1;
    const int descriptor =
        static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
    REQUIRE(descriptor >= 0);
    REQUIRE(ioctl(descriptor, PERF_EVENT_IOC_ENABLE, 0) == 0);
    for (unsigned round = 0; round < rounds; ++round)
        asm volatile("" ::"r"(round));
    REQUIRE(ioctl(descriptor, PERF_EVENT_IOC_DISABLE, 0) == 0);
    std::uint64_t count = 0;
    REQUIRE(read(descriptor, &count, sizeof count) == sizeof count);
    close(descriptor);
    return count;
}

}  // namespace

TEST_CASE("the processor counts instructions, more for a longer loop") {
    if (!has_pmu()) return;
    const auto shorter = instructions_of(1'000'000);
    const auto longer = instructions_of(2'000'000);
    CHECK(shorter >= 1'000'000);
    CHECK(longer >= shorter + 1'000'000);
}
