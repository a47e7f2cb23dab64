#include "on_cpu.hpp"

#include <escapement/placement.hpp>
#include <escapement/waiting.hpp>

#include <linux/futex.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <vector>

namespace escapement {

namespace {

std::int64_t nanoseconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

constexpr unsigned brief = 60;  // a section that takes longer than this has lost its CPU

}  // namespace

void Latch::wait() {
    for (unsigned tries = 0; tries < brief; ++tries) {
        relax();
        std::uint32_t free = 0;
        if (word_.load(std::memory_order_relaxed) == 0 &&
            word_.compare_exchange_strong(free, 1, std::memory_order_acquire)) {
            return;
        }
    }
    while (word_.exchange(2, std::memory_order_acquire) != 0)
        syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 2, nullptr);
}

void Latch::wake() {
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1);
}

Doorbell::Doorbell() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Doorbell::~Doorbell() {
    if (valid()) close(descriptor_);
}

void Doorbell::ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
}

int Doorbell::in_descriptors(pollfd* descriptors, nfds_t count, std::int64_t timeout_ns) const {
    std::vector<pollfd> all(descriptors, descriptors + count);
    all.push_back({.fd = descriptor_, .events = POLLIN, .revents = 0});
    const timespec timeout{.tv_sec = timeout_ns / 1'000'000'000, .tv_nsec = timeout_ns % 1'000'000'000};
    int found = ppoll(all.data(), all.size(), timeout_ns < 0 ? nullptr : &timeout, nullptr);
    if (found < 0) return found;
    if (all.back().revents != 0) {
        std::uint64_t rings = 0;
        [[maybe_unused]] const ssize_t heard = read(descriptor_, &rings, sizeof rings);
        --found;
    }
    for (nfds_t index = 0; index < count; ++index)
        descriptors[index].revents = all[index].revents;
    return found;
}

bool may_bring_input(const pollfd& descriptor) {
    if (descriptor.fd < 0 || (descriptor.events & (POLLIN | POLLPRI | POLLRDHUP)) == 0) return false;
    struct stat status {};
    if (fstat(descriptor.fd, &status) != 0) return false;
    if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return true;
    return S_ISCHR(status.st_mode) && isatty(descriptor.fd) == 1;
}

unsigned usable_cpus() {
    const auto allowed = allowed_cpus();
    return allowed && !allowed->empty() ? static_cast<unsigned>(allowed->size()) : 1;
}

unsigned current_cpu() {
    return static_cast<unsigned>(std::max(sched_getcpu(), 0));
}

bool leave_cpus(const std::set<unsigned>& taken) {
    const auto allowed = allowed_cpus();
    if (!allowed) return false;
    const auto found =
        std::find_if(allowed->begin(), allowed->end(), [&](unsigned cpu) { return !taken.contains(cpu); });
    return found != allowed->end() && keep_on(*found) == 0 && keep_on(*allowed) == 0;
}

std::int64_t monotonic_ns() {
    return nanoseconds(CLOCK_MONOTONIC);
}

std::int64_t realtime_ns() {
    return nanoseconds(CLOCK_REALTIME);
}

}  // namespace escapement
