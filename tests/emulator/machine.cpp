#include "machine.hpp"

#include <cstring>

namespace emulator {

Machine::Machine(escapement_domain* domain, const std::string& log_path, Disk& its_disk, int serial_output)
    : mutex(domain, "machine"),
      main_wakes(domain, "main wakes"),
      cpus_wake(domain, "cpus wake"),
      console_wakes(domain, "console wakes"),
      disk_wakes(domain, "disk wakes"),
      reclaimer_wakes(domain, "reclaimer wakes"),
      log(log_path),
      disk(its_disk),
      pages_(std::aligned_alloc(4096, memory_size)) {
    if (pages_ == nullptr) fail(trouble, "no memory for the guest");
    std::memset(pages_.get(), 0, memory_size);
    memory = {static_cast<std::uint8_t*>(pages_.get()), memory_size};
    serial.output = serial_output;
}

void Machine::raise(Interrupt interrupt) {
    cpus.at(0).pending |= 1U << interrupt;
    cpus_wake.wake_one();
}

void Machine::power_off(int status) {
    write("power-off", status);
    exit_status = status;
    running = false;
    for (Condition* each : {&main_wakes, &cpus_wake, &console_wakes, &disk_wakes, &reclaimer_wakes}) {
        each->wake_all();
    }
}

}  // namespace emulator
