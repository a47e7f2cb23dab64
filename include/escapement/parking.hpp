#pragma once
// Parking: a thread waits, without using a CPU, until another lets it go on.
//
// Contract. One thread parks at a place, any thread unparks it, and unparking before parking is remembered
// (once). What the unparking thread did before is visible to the parked one after. Neither call uses errno,
// allocates, or calls the C library's threads, so that both may be used inside replacements of exactly those
// functions and inside signal handlers.
//
// Thread safety: unpark from anywhere; park from one thread at a time.
// Source: futex(2), FUTEX_WAIT_PRIVATE and FUTEX_WAKE_PRIVATE.

#include <atomic>
#include <cstdint>
#include <ctime>

namespace escapement {

class ParkingPlace {
  public:
    /// Returns when it was unparked; signal handlers run meanwhile.
    void park();
    /// The same, but not for longer than about `ns` nanoseconds; true if it was unparked.
    bool park_for(std::int64_t ns);
    void unpark();
    /// Takes back an unpark that nobody has gone on by yet; false if there is none.
    bool retract();
    /// Forgets an unpark that nobody waits for any more. Only where nobody parks (after fork).
    void reset() { word_.store(0, std::memory_order_relaxed); }

  private:
    bool park_once(const std::timespec* timeout);

    // 0: nothing. 1: unparked. 2: somebody sleeps in the kernel. The release store in unpark() pairs with the
    // acquire exchange in park(); it carries everything that the thread with the turn wrote.
    std::atomic<std::uint32_t> word_{0};
};

}  // namespace escapement
