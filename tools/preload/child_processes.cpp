#include "child_processes.hpp"

#include "real.hpp"
#include "runtime.hpp"
#include "thread_status.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace escapement::preload {

namespace {

struct Child {
    unsigned long long began = 0;  ///< in ticks since boot
    pid_t process = 0;
};

// Those from here on are not told apart. Belongs to the turn.
constexpr std::size_t most_children = 1024;
Child children[most_children];

/// Source: proc(5), /proc/pid/stat: the 22nd field, of which the second may hold anything up to the last
/// parenthesis.
unsigned long long beginning_of(pid_t process) {
    char text[512];
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/stat", process);
    if (read_beginning(path, text) < 0) return 0;
    const char* field = std::strrchr(text, ')');
    for (int number = 2; field != nullptr && number < 22; ++number)
        field = std::strchr(field + 1, ' ');
    return field != nullptr ? std::strtoull(field, nullptr, 10) : 0;
}

/// Those of all threads, in the order in which they began; how many.
std::size_t list_children() {
    static char text[most_children * 8];
    std::size_t count = 0;
    Runtime& domain = runtime();
    const auto& participants = domain.order().participants();
    for (ParticipantNumber number = 0; number < participants.size(); ++number) {
        const State state = participants[number].state;
        if (state == State::exited || state == State::released) continue;
        const pid_t thread = domain.seat(number).thread_id.load(std::memory_order_relaxed);
        char path[64];
        std::snprintf(path, sizeof path, "/proc/self/task/%d/children", thread);
        if (read_beginning(path, text) < 0) continue;
        char* next = text;
        while (count < most_children) {
            char* end = nullptr;
            const auto process = static_cast<pid_t>(std::strtol(next, &end, 10));
            if (end == next) break;
            children[count++].process = process;
            next = end;
        }
    }
    if (count > 1)
        for (std::size_t index = 0; index < count; ++index)
            children[index].began = beginning_of(children[index].process);
    std::sort(children, children + count, [](const Child& one, const Child& other) {
        return one.began != other.began ? one.began < other.began : one.process < other.process;
    });
    return count;
}

}  // namespace

pid_t reporting_child(pid_t which, int options) {
    siginfo_t information{};
    idtype_t type = P_ALL;
    id_t id = 0;
    if (which > 0) {
        type = P_PID;
        id = static_cast<id_t>(which);
    } else if (which != -1) {
        type = P_PGID;
        id = static_cast<id_t>(-which);
    }
    return real().waitid(type, id, &information, options | WNOHANG | WNOWAIT) == 0 ? information.si_pid : -1;
}

std::uint32_t place_of(pid_t child) {
    const std::size_t count = list_children();
    for (std::size_t index = 0; index < count; ++index)
        if (children[index].process == child) return static_cast<std::uint32_t>(index);
    return unknown_place;
}

pid_t child_at(std::uint32_t place) {
    return place < list_children() ? children[place].process : -1;
}

}  // namespace escapement::preload
