// The reclaimer: frees maps of ports once nobody can be looking at them (read, copy, update).
//
// A map is retired before it is freed. Who began to execute after that looks at the new one; so the old one
// is free once the CPUs' thread does not execute, or has begun again.

#include "machine.hpp"

namespace emulator {

void run_reclaimer(Machine& machine) {
    Lock lock(machine.mutex);
    while (true) {
        while (machine.retired_ports.empty() && machine.running)
            machine.reclaimer_wakes.wait(lock);
        if (machine.retired_ports.empty()) return;
        const std::uint64_t looks = machine.looks;
        std::vector<std::unique_ptr<const PortMap>> retired;
        retired.swap(machine.retired_ports);
        while (machine.looking && machine.looks == looks)
            machine.reclaimer_wakes.wait(lock);
        machine.write("reclaim", retired.size());
    }
}

}  // namespace emulator
