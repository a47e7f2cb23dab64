#include "perf_event.hpp"

#include "raw_system_call.hpp"
#include "user_access.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

namespace escapement {

namespace {

long address(const void* object) {
    return reinterpret_cast<long>(object);
}

long open_once(const perf_event_attr& attributes) {
    long result = 0;
    do {
        result = raw_system_call(SYS_perf_event_open, address(&attributes), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    } while (result == -EINTR);
    return result;
}

/// Hardware counters have bits for user access; software events and tracepoints use config1 for other things.
bool may_be_hardware(std::uint32_t type) {
    return type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE || type == PERF_TYPE_RAW ||
           type >= PERF_TYPE_MAX;
}

/// The CPU has counters if the kernel knows how to count the commonest things.
bool has_counters() {
    for (const std::uint64_t config : {PERF_COUNT_HW_INSTRUCTIONS, PERF_COUNT_HW_CPU_CYCLES}) {
        perf_event_attr attributes = attributes_of({.type = PERF_TYPE_HARDWARE, .config = config});
        attributes.pinned = 0;
        attributes.disabled = 1;
        const long result = open_once(attributes);
        if (result >= 0) close_event(static_cast<int>(result));
        if (result != -ENOENT && result != -ENODEV && result != -EOPNOTSUPP) return true;
    }
    return false;
}

CounterFailure failure_of(int error, std::uint32_t type) {
    const auto as = [error](Refusal refusal) { return CounterFailure{.refusal = refusal, .error = error}; };
    switch (error) {
        case ENOSYS:
            return as(Refusal::no_support);
        case ENOENT:
        case ENODEV:
        case ENXIO:
        case EOPNOTSUPP:
        case EINVAL:
            return as(may_be_hardware(type) && !has_counters() ? Refusal::no_pmu : Refusal::unknown_event);
        case EACCES:
            return as(Refusal::paranoid);
        case EPERM:
            return as(Refusal::forbidden);
        case EBUSY:
        case ENOSPC:
            return as(Refusal::taken);
        case EMFILE:
        case ENFILE:
            return as(Refusal::too_many_files);
        case ENOMEM:
            return as(Refusal::no_memory);
        default:
            return as(Refusal::other);
    }
}

/// Gives the descriptor a high number, so that the program gets the numbers that it would get without us.
/// Not the highest: the kernel's table of files is as long as the highest number in use.
int move_high(int descriptor) {
    constexpr std::uint64_t high = 4096;
    rlimit64 limit{};
    if (raw_system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, address(&limit)) != 0) return descriptor;
    for (std::uint64_t least = std::min<std::uint64_t>(limit.rlim_cur, high) / 4 * 3; least > 64;
         least /= 2) {
        const long moved = raw_system_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, static_cast<long>(least));
        if (moved < 0) continue;
        close_event(descriptor);
        return static_cast<int>(moved);
    }
    return descriptor;
}

}  // namespace

perf_event_attr attributes_of(const EventCode& event) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = event.type;
    attributes.config = event.config;
    attributes.config1 = event.config1;
    attributes.config2 = event.config2;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attributes.pinned = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    attributes.exclude_guest = 1;  // a thread that runs a virtual machine counts its own instructions
    return attributes;
}

tl::expected<int, CounterFailure> open_event(perf_event_attr attributes, bool readable) {
    const std::uint64_t asked = attributes.config1;
    long result = -EINVAL;
    for (const std::uint64_t bits : user_access_bits) {
        if (bits != 0 && !(readable && may_be_hardware(attributes.type))) continue;
        attributes.config1 = asked | bits;
        result = open_once(attributes);
        if (result >= 0) return move_high(static_cast<int>(result));
    }
    return tl::unexpected(failure_of(static_cast<int>(-result), attributes.type));
}

tl::expected<EventValue, CounterFailure> read_event(int descriptor) {
    EventValue value;
    const long result = raw_system_call(SYS_read, descriptor, address(&value), sizeof value);
    if (result == sizeof value) return value;
    if (result == 0) return tl::unexpected(CounterFailure{.refusal = Refusal::multiplexed, .error = 0});
    return tl::unexpected(CounterFailure{.refusal = Refusal::other, .error = static_cast<int>(-result)});
}

bool counts_now(int descriptor) {
    const auto first = read_event(descriptor);
    // The times stand still only as long as the clock does that they are taken from.
    for (int patience = 10'000; first && patience > 0; --patience) {
        const auto second = read_event(descriptor);
        if (!second) return false;
        if (second->running != first->running) return true;
        if (second->enabled != first->enabled) return false;
    }
    return false;
}

void close_event(int descriptor) {
    raw_system_call(SYS_close, descriptor);
}

}  // namespace escapement
