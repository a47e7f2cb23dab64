#include "breakpoints.hpp"

#include "machine_context.hpp"
#include "raw_system_call.hpp"

#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace escapement {

namespace {

constexpr std::uint64_t our_mark = 0x657363617065U;  // "escape"
constexpr int trap_perf = 6;                         // TRAP_PERF, which Debian 12's libc does not name

perf_event_attr attributes_at(std::uintptr_t address, bool on = true) {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_BREAKPOINT;
    attributes.size = sizeof(attributes);
    attributes.bp_type = HW_BREAKPOINT_X;
    attributes.bp_addr = address;
    attributes.bp_len = breakpoint_length;
    attributes.sample_period = 1;
    attributes.disabled = on ? 0 : 1;
    attributes.pinned = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    attributes.sigtrap = 1;
    attributes.remove_on_exec = 1;  // sigtrap asks for it
    attributes.sig_data = our_mark;
    return attributes;
}

Refusal refusal_of(long error) {
    switch (error) {
        case ENOSPC:
        case EBUSY:
            return Refusal::taken;
        case EACCES:
            return Refusal::paranoid;
        case EPERM:
            return Refusal::forbidden;
        case EMFILE:
        case ENFILE:
            return Refusal::too_many_files;
        case ENOMEM:
            return Refusal::no_memory;
        case ENOSYS:
        case ENOENT:
        case ENODEV:
        case EOPNOTSUPP:
        case E2BIG:  // a kernel that does not know sigtrap
        case EINVAL:
            return Refusal::no_support;
        default:
            return Refusal::other;
    }
}

/// The program's own descriptors keep the low numbers.
int moved_up(int descriptor) {
    rlimit limit{};
    if (raw_system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit)) < 0)
        return descriptor;
    const long lowest = static_cast<long>(limit.rlim_cur > 65536 ? 65536 : limit.rlim_cur) - 64;
    if (lowest <= descriptor) return descriptor;
    const long moved = raw_system_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, lowest);
    if (moved < 0) return descriptor;
    raw_system_call(SYS_close, descriptor);
    return static_cast<int>(moved);
}

[[gnu::noinline]] void met_here() {
    asm volatile("");
}

/// False if one was set, passed, and not met. By its count, so that no signal is needed. True where none can
/// be had just now.
bool are_met() {
    auto attributes = attributes_at(reinterpret_cast<std::uintptr_t>(&met_here));
    attributes.sigtrap = 0;
    attributes.remove_on_exec = 0;
    attributes.sig_data = 0;
    const long descriptor = raw_system_call(SYS_perf_event_open, reinterpret_cast<long>(&attributes), 0, -1,
                                            -1, PERF_FLAG_FD_CLOEXEC);
    if (descriptor < 0) return true;
    met_here();
    std::uint64_t times = 0;
    const long got = raw_system_call(SYS_read, descriptor, reinterpret_cast<long>(&times), sizeof(times));
    raw_system_call(SYS_close, descriptor);
    return got != sizeof(times) || times != 0;
}

}  // namespace

bool Breakpoints::Addresses::add(std::uintptr_t address) {
    if (contains(address)) return true;
    if (size_ == addresses_.size()) return false;
    addresses_[size_++] = address;
    return true;
}

bool Breakpoints::Addresses::contains(std::uintptr_t address) const {
    for (std::size_t index = 0; index < size_; ++index) {
        if (addresses_[index] == address) return true;
    }
    return false;
}

tl::expected<void, CounterFailure> Breakpoints::open(std::size_t wanted) {
    if (!are_met()) return tl::unexpected(CounterFailure{.refusal = Refusal::never_met});
    while (opened_ < wanted && opened_ < most) {
        // Anywhere, as it is off.
        auto attributes = attributes_at(0x1000, false);
        const long descriptor = raw_system_call(SYS_perf_event_open, reinterpret_cast<long>(&attributes), 0,
                                                -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (descriptor < 0) {
            if (opened_ > 0) break;
            return tl::unexpected(
                CounterFailure{.refusal = refusal_of(-descriptor), .error = static_cast<int>(-descriptor)});
        }
        all_[opened_++].descriptor = moved_up(static_cast<int>(descriptor));
    }
    return {};
}

void Breakpoints::close() {
    for (std::size_t index = 0; index < opened_; ++index)
        raw_system_call(SYS_close, all_[index].descriptor);
    opened_ = 0;
}

bool Breakpoints::set(const Addresses& addresses) {
    Addresses missing;
    for (std::size_t index = 0; index < addresses.size(); ++index) {
        if (!at(addresses[index])) missing.add(addresses[index]);
    }
    // One system call for each that moves: this is the price of a step.
    std::size_t next = 0;
    for (std::size_t index = 0; index < opened_; ++index) {
        One& one = all_[index];
        if (one.on && addresses.contains(one.address)) continue;
        if (next < missing.size()) {
            auto attributes = attributes_at(missing[next]);
            one.address = missing[next++];
            one.on = raw_system_call(SYS_ioctl, one.descriptor, PERF_EVENT_IOC_MODIFY_ATTRIBUTES,
                                     reinterpret_cast<long>(&attributes)) == 0;
            if (!one.on) return false;
        } else if (one.on) {
            raw_system_call(SYS_ioctl, one.descriptor, PERF_EVENT_IOC_DISABLE, 0);
            one.on = false;
        }
    }
    return next == missing.size();
}

bool Breakpoints::at(std::uintptr_t address) const {
    for (std::size_t index = 0; index < opened_; ++index) {
        if (all_[index].on && all_[index].address == address) return true;
    }
    return false;
}

void Breakpoints::clear() {
    static_cast<void>(set({}));
}

bool Breakpoints::hit(const siginfo_t& information) {
    std::uint64_t mark =
        0;  // si_perf_data, which Debian 12's libc does not name: after the address and a gap
    std::memcpy(&mark, reinterpret_cast<const char*>(&information.si_addr) + 8, sizeof(mark));
    return information.si_signo == SIGTRAP && information.si_code == trap_perf && mark == our_mark;
}

}  // namespace escapement
