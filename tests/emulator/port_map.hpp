#pragma once
// Which device answers at which port. A guest may move its serial port; then the whole map is made anew,
// since somebody may be looking at the old one (as QEMU does with its maps of memory).

#include <array>
#include <cstdint>

namespace emulator {

enum class Device : std::uint8_t { none, system, serial, timer, disk, clock, cpu };

class PortMap {
  public:
    static constexpr std::uint32_t ports_per_device = 16;
    static constexpr std::uint32_t slots = 16;

    /// The serial port is at `serial` times ports_per_device, which must be free or its own place.
    explicit PortMap(std::uint32_t serial = 1) {
        devices_[0] = Device::system;
        devices_[2] = Device::timer;
        devices_[3] = Device::disk;
        devices_[4] = Device::clock;
        devices_[5] = Device::cpu;
        devices_.at(serial) = Device::serial;
    }
    [[nodiscard]] static bool may_hold_serial(std::uint32_t slot) {
        return slot == 1 || (slot > 5 && slot < slots);
    }
    [[nodiscard]] Device at(std::uint32_t port) const {
        const std::uint32_t slot = port / ports_per_device;
        return slot < slots ? devices_[slot] : Device::none;
    }

  private:
    std::array<Device, slots> devices_{};
};

}  // namespace emulator
