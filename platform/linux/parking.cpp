#include <escapement/parking.hpp>

#include <cerrno>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "raw_system_call.hpp"

namespace escapement {

void ParkingPlace::park() {
    for (;;) {
        std::uint32_t expected = 1;
        if (word_.compare_exchange_strong(expected, 0, std::memory_order_acquire)) return;
        expected = 0;
        if (word_.compare_exchange_strong(expected, 2, std::memory_order_relaxed) || expected == 2) {
            raw_system_call(SYS_futex, reinterpret_cast<long>(&word_), FUTEX_WAIT_PRIVATE, 2);
        }
    }
}

void ParkingPlace::unpark() {
    if (word_.exchange(1, std::memory_order_release) == 2) {
        raw_system_call(SYS_futex, reinterpret_cast<long>(&word_), FUTEX_WAKE_PRIVATE, 1);
    }
}

}  // namespace escapement
