#pragma once
// The machine: two CPUs at most, memory, and the devices. What its threads share is here, and who may touch
// it.
//
//     thread      runs                        meets the others at
//     main        timers, completed requests  main_wakes, until the next timer
//     cpus        the CPUs, one after the other  cpus_wake, when none of them has anything to do
//     console     input of the serial port    the descriptor's input; console_wakes, while the port is full
//     disk 0, 1…  requests to the disk        disk_wakes
//     reclaimer   maps of ports that nobody looks at any more  reclaimer_wakes
//
// Ports: see guests/machine.inc, which is what a guest knows of all this.

#include "disk.hpp"
#include "event_log.hpp"
#include "ordered.hpp"
#include "port_map.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace emulator {

enum Interrupt : unsigned { timer_interrupt = 0, serial_interrupt = 1, disk_interrupt = 2 };

struct CpuState {
    std::uint32_t handler = 0;
    std::uint32_t pending = 0;  ///< interrupts, a bit each
    bool waiting = false;       ///< for an interrupt: nothing to run
};

struct Timer {
    std::int64_t deadline = ESCAPEMENT_FOREVER;
    std::int64_t period = 0;
};

struct Serial {
    static constexpr std::size_t room = 16;
    std::deque<std::uint8_t> received;
    bool end_of_input = false;
    int output = -1;
};

struct Machine {
    Machine(escapement_domain* domain, const std::string& log_path, Disk& its_disk, int serial_output);

    /// The CPU's thread is told at its next look, or woken.
    void raise(Interrupt interrupt);
    void write(const char* event, auto... values) { log.write(instructions, event, values...); }
    void power_off(int status);

    Mutex mutex;
    Condition main_wakes, cpus_wake, console_wakes, disk_wakes, reclaimer_wakes;

    // Everything from here on is touched with the mutex held.
    EventLog log;
    std::uint64_t instructions = 0;  ///< retired by all CPUs, as far as they have told
    bool running = true;
    int exit_status = 0;
    std::vector<CpuState> cpus;
    Timer timer;
    Serial serial;
    Disk& disk;

    // Read, copy, update: the CPUs' thread looks at the current map without the mutex while it executes.
    std::unique_ptr<const PortMap> ports = std::make_unique<PortMap>();
    std::vector<std::unique_ptr<const PortMap>> retired_ports;
    std::uint64_t looks = 0;  ///< times that the CPUs' thread has begun to execute
    bool looking = false;     ///< it executes now

    // Memory is the guest's own affair, and that of the disk between a request and its completion.
    static constexpr std::size_t memory_size = 1U << 20;
    std::span<std::uint8_t> memory;

  private:
    struct Free {
        void operator()(void* pointer) const { std::free(pointer); }
    };
    std::unique_ptr<void, Free> pages_;
};

/// What the threads do until the machine is switched off.
void run_main_loop(Machine& machine);
void run_cpus(Machine& machine, std::uint32_t entry);
void run_console(Machine& machine, int input);
void run_disk_worker(Machine& machine, unsigned worker);
void run_reclaimer(Machine& machine);

}  // namespace emulator
