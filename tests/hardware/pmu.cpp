#include "pmu.hpp"

#include <catch2/catch.hpp>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

bool has_pmu() {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    const long descriptor = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (descriptor >= 0) {
        close(static_cast<int>(descriptor));
        return true;
    }
    const std::string missing = errno == ENOENT || errno == ENODEV || errno == EOPNOTSUPP
                                    ? "this machine has no hardware counters (PMU)"
                                    : std::string("hardware counters are refused: ") + std::strerror(errno);
    if (const char* const wish = std::getenv("ESCAPEMENT_HARDWARE");
        wish && std::strcmp(wish, "required") == 0)
        FAIL(missing);
    std::printf("cannot run here: %s\n", missing.c_str());
    std::fflush(stdout);
    return false;
}
