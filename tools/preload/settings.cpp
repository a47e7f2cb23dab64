#include "settings.hpp"

#include "real.hpp"

#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

namespace {

/// What was in the environment may hold anything that moves a terminal's cursor.
[[noreturn]] void refuse(const UnknownWord& unknown) {
    char shown[200];
    const char* const value = unknown.value != nullptr ? unknown.value : "";
    std::size_t length = 0;
    for (; length + 1 < sizeof shown && value[length] != '\0'; ++length)
        shown[length] = value[length] >= ' ' && value[length] <= '~' ? value[length] : '?';
    shown[length] = '\0';
    std::fprintf(stderr,
                 "escapement: %s is '%s', which means nothing here; start the program by 'escapement run'\n",
                 unknown.variable, shown);
    real()._exit(2);
    __builtin_unreachable();
}

const char* value_of(const char* variable) {
    return secure_getenv(variable);
}

}  // namespace

bool is_privileged() {
    return getauxval(AT_SECURE) != 0;
}

Settings read_settings() {
    const auto settings = parse_settings(value_of, getpid());
    if (!settings) refuse(settings.error());
    return *settings;
}

void bind_to_cpus(const char* cpus) {
    cpu_set_t set;
    parse_cpu_numbers(cpus, set);  // as they were when they were read
    // The cpuset may have changed since they were chosen: then it runs where it may.
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        std::fprintf(stderr, "escapement: cannot run on CPU %s alone: %s; it runs where it may\n", cpus,
                     std::strerror(errno));
    }
}

}  // namespace escapement::preload
