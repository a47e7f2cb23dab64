#include "settings.hpp"

#include "real.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

namespace {

[[noreturn]] void refuse(const char* variable, const char* value) {
    std::fprintf(stderr,
                 "escapement: %s is '%s', which means nothing here; start the program by 'escapement run'\n",
                 variable, value);
    real()._exit(2);
    __builtin_unreachable();
}

std::uint64_t number(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    if (text == nullptr) return otherwise;
    char* end = nullptr;
    errno = 0;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-') refuse(variable, text);
    return value;
}

/// TYPE:CONFIG:CONFIG1:CONFIG2, in hexadecimal.
EventCode event(const char* variable) {
    const char* const text = std::getenv(variable);
    if (text == nullptr) refuse(variable, "");
    std::uint64_t parts[4] = {};
    const char* at = text;
    for (std::uint64_t& part : parts) {
        char* end = nullptr;
        part = std::strtoull(at, &end, 16);
        if (end == at || *end != (&part == &parts[3] ? '\0' : ':')) refuse(variable, text);
        at = end + 1;
    }
    return {.type = static_cast<std::uint32_t>(parts[0]),
            .config = parts[1],
            .config1 = parts[2],
            .config2 = parts[3]};
}

/// record:PATH or replay:PATH, as long for both: what is on the stack lies at the same addresses. Of the
/// process that `run` became, whatever program it has become since; not of those that its children execute.
void read_journal(Settings& settings) {
    const char* const text = std::getenv("ESCAPEMENT_JOURNAL");
    if (text == nullptr || getpid() != settings.launched) return;
    constexpr std::size_t word = 7;
    settings.replays = std::strncmp(text, "replay:", word) == 0;
    if (settings.replays || std::strncmp(text, "record:", word) == 0) {
        settings.journal = text + word;
        settings.command = std::getenv("ESCAPEMENT_COMMAND");
    } else {
        refuse("ESCAPEMENT_JOURNAL", text);
    }
}

}  // namespace

Settings read_settings() {
    Settings settings;
    if (const char* const policy = std::getenv("ESCAPEMENT_POLICY"); policy != nullptr) {
        if (std::strcmp(policy, "free") == 0) {
            settings.ordering = Ordering::free;
        } else if (std::strcmp(policy, "ticktock") == 0) {
            settings.ordering = Ordering::ticktock;
        } else if (std::strcmp(policy, "counted") != 0) {
            refuse("ESCAPEMENT_POLICY", policy);
        }
    }
    if (const char* const clock = std::getenv("ESCAPEMENT_CLOCK"); clock != nullptr) {
        if (std::strcmp(clock, "reported") == 0) {
            settings.clock = ClockSource::reported;
        } else if (std::strcmp(clock, "operations") == 0) {
            settings.clock = ClockSource::operations;
        } else if (std::strcmp(clock, "perf") == 0) {
            settings.clock = ClockSource::perf;
            settings.event_name = std::getenv("ESCAPEMENT_EVENT_NAME");
            settings.clock_event = event("ESCAPEMENT_EVENT");
            settings.alarm_event = event("ESCAPEMENT_ALARM");
            settings.margin = number("ESCAPEMENT_MARGIN", 0);
        } else if (std::strcmp(clock, "stepped") == 0) {
            settings.clock = ClockSource::stepped;
        } else if (std::strcmp(clock, "auto") != 0) {
            refuse("ESCAPEMENT_CLOCK", clock);
        }
    }
    if (const char* const time = std::getenv("ESCAPEMENT_TIME"); time != nullptr) {
        settings.virtual_time = std::strcmp(time, "real") != 0;
        if (settings.virtual_time && std::strcmp(time, "virtual") != 0) refuse("ESCAPEMENT_TIME", time);
    }
    settings.quantum = number("ESCAPEMENT_QUANTUM", 0);
    settings.seed = number("ESCAPEMENT_SEED", 1);
    settings.launched = static_cast<pid_t>(number("ESCAPEMENT_PID", 0));
    settings.cpus = std::getenv("ESCAPEMENT_CPUS");
    settings.statistics = std::getenv("ESCAPEMENT_STATS");
    read_journal(settings);
    return settings;
}

void bind_to_cpus(const char* cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const char* at = cpus; *at != '\0';) {
        char* end = nullptr;
        const unsigned long cpu = std::strtoul(at, &end, 10);
        if (end == at || cpu >= CPU_SETSIZE) refuse("ESCAPEMENT_CPUS", cpus);
        CPU_SET(cpu, &set);
        at = *end == ',' ? end + 1 : end;
    }
    // The cpuset may have changed since they were chosen: then it runs where it may.
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        std::fprintf(stderr, "escapement: cannot run on CPU %s alone: %s; it runs where it may\n", cpus,
                     std::strerror(errno));
    }
}

}  // namespace escapement::preload
