#include "raw_system_call.hpp"

#include <escapement/parking.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>

#include <ctime>

namespace escapement {

namespace {
const timespec nothing{};
}

bool ParkingPlace::park_once(const timespec* timeout) {
    std::uint32_t expected = 1;
    if (word_.compare_exchange_strong(expected, 0, std::memory_order_acquire)) return true;
    expected = 0;
    if (word_.compare_exchange_strong(expected, 2, std::memory_order_relaxed) || expected == 2) {
        raw_system_call(SYS_futex, reinterpret_cast<long>(&word_), FUTEX_WAIT_PRIVATE, 2,
                        reinterpret_cast<long>(timeout));
    }
    return false;
}

void ParkingPlace::park() {
    while (!park_once(nullptr)) {
    }
}

bool ParkingPlace::park_for(std::int64_t ns) {
    const timespec timeout{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    return park_once(&timeout) || park_once(&nothing);
}

void ParkingPlace::unpark() {
    if (word_.exchange(1, std::memory_order_release) == 2) {
        raw_system_call(SYS_futex, reinterpret_cast<long>(&word_), FUTEX_WAKE_PRIVATE, 1);
    }
}

bool ParkingPlace::retract() {
    std::uint32_t expected = 1;
    return word_.compare_exchange_strong(expected, 0, std::memory_order_acquire);
}

}  // namespace escapement
