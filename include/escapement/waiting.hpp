#pragma once
// Waiting in a process of its own: what a linked domain asks of the operating system.
//
// Contract. A Latch is held for a few instructions by whoever changes a domain's state; waiting for it spins
// briefly, then sleeps. Doorbell wakes a thread that waits for descriptors. Nothing here decides anything.
//
//     const std::lock_guard guard(latch);
//
// Units: nanoseconds of the host's monotonic clock. Errors: in_descriptors as poll(2); a Doorbell without a
// descriptor (none left) is one that cannot be rung, valid() says so. Thread safety: all of it from anywhere.
// Sources: futex(2); Drepper, "Futexes are tricky" (mutex 2); eventfd(2); sched_getaffinity(2), getcpu(2).

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <set>

namespace escapement {

/// A mutex for short sections. Lockable.
class Latch {
  public:
    void lock() {
        std::uint32_t free = 0;
        if (!word_.compare_exchange_strong(free, 1, std::memory_order_acquire)) wait();
    }
    void unlock() {
        if (word_.exchange(0, std::memory_order_release) == 2) wake();
    }

  private:
    void wait();
    void wake();
    std::atomic<std::uint32_t> word_{0};  // 0: free. 1: held. 2: held, and somebody sleeps.
};

class Doorbell {
  public:
    Doorbell();
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;
    [[nodiscard]] bool valid() const { return descriptor_ >= 0; }
    void ring() const;
    /// poll(2) that also ends when the bell was rung (with 0, and the ringing is forgotten). `timeout_ns`
    /// negative: without end.
    int in_descriptors(pollfd* descriptors, nfds_t count, std::int64_t timeout_ns) const;

  private:
    int descriptor_ = -1;
};

/// Somebody outside this process may send input there at any moment: a terminal, a pipe, a socket.
bool may_bring_input(const pollfd& descriptor);
/// CPUs that this process may use now.
unsigned usable_cpus();
/// The CPU that the caller runs on just now.
unsigned current_cpu();
/// Moves the calling thread to a CPU that it may use and that is none of `taken`; afterwards it may run
/// wherever it could before. False: there is none, or the host refuses. Source: sched_setaffinity(2).
bool leave_cpus(const std::set<unsigned>& taken);
/// Tells the processor that this is a loop of waiting.
void relax();
std::int64_t monotonic_ns();
std::int64_t realtime_ns();

}  // namespace escapement
