// The CPUs' thread: runs them one after the other, for a slice of instructions each, and lets them see
// devices.

#include "machine.hpp"
#include "processor.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

// Shorter than the quantum of any domain: an interrupt is taken between slices.
constexpr std::uint64_t slice = 20'000;
constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t ns_per_us = 1'000;

class Cpus final : public Bus {
  public:
    Cpus(Machine& machine, std::uint32_t entry) : machine_(machine) {
        for (unsigned number = 0; number < machine.cpus.size(); ++number) {
            processors_.push_back(std::make_unique<Processor>(number, machine.memory, entry, *this));
        }
    }
    void run();

    std::uint32_t in(unsigned cpu, std::uint32_t port) override;
    void out(unsigned cpu, std::uint32_t port, std::uint32_t value) override;
    void retired(std::uint64_t count) override {
        check(escapement_advance(count));
        retired_ += count;
    }

  private:
    [[nodiscard]] unsigned next_runnable();
    void begin_to_execute(unsigned cpu);
    void end_to_execute(unsigned cpu);
    void tell_instructions() {
        machine_.instructions += retired_;
        retired_ = 0;
    }
    void out_system(std::uint32_t port, std::uint32_t value);
    void out_disk(std::uint32_t port, std::uint32_t value);
    void out_cpu(unsigned cpu, std::uint32_t port, std::uint32_t value);
    void out_timer(std::uint32_t value);
    void transmit(std::uint8_t byte);
    std::uint32_t in_serial(std::uint32_t port);
    std::uint32_t in_disk();
    std::uint32_t in_clock(std::uint32_t port);
    std::uint32_t in_cpu(unsigned cpu);
    [[noreturn]] static void nobody(const char* access, unsigned cpu, std::uint32_t port) {
        fail(guest_fault, "CPU ", cpu, ' ', access, " port 0x", std::hex, port, ", where there is nothing");
    }

    Machine& machine_;
    std::vector<std::unique_ptr<Processor>> processors_;
    const PortMap* ports_ = nullptr;  // while executing
    std::uint64_t retired_ = 0;       // not yet told to the machine
    unsigned last_ = 0;
};

void Cpus::run() {
    Lock lock(machine_.mutex);
    while (machine_.running) {
        const unsigned cpu = next_runnable();
        if (cpu == processors_.size()) {
            machine_.write("idle");
            machine_.cpus_wake.wait(lock);
            continue;
        }
        begin_to_execute(cpu);
        lock.unlock();
        processors_[cpu]->run(std::min(escapement_budget(), slice));
        lock.lock();
        end_to_execute(cpu);
    }
}

unsigned Cpus::next_runnable() {
    const auto count = static_cast<unsigned>(processors_.size());
    for (unsigned step = 1; step <= count; ++step) {
        const unsigned cpu = (last_ + step) % count;
        CpuState& state = machine_.cpus[cpu];
        if (state.waiting && state.pending == 0) continue;
        state.waiting = false;
        return cpu;
    }
    return count;
}

void Cpus::begin_to_execute(unsigned cpu) {
    const CpuState& state = machine_.cpus[cpu];
    if (state.pending != 0 && state.handler != 0 && processors_[cpu]->interrupts_enabled()) {
        machine_.write("interrupt", "cpu", cpu, "lines", state.pending);
        processors_[cpu]->take_interrupt(state.handler);
    }
    last_ = cpu;
    ports_ = machine_.ports.get();
    ++machine_.looks;
    machine_.looking = true;
}

void Cpus::end_to_execute(unsigned cpu) {
    tell_instructions();
    machine_.looking = false;
    if (!machine_.retired_ports.empty()) machine_.reclaimer_wakes.wake_one();
    if (machine_.cpus[cpu].waiting) processors_[cpu]->enable_interrupts();
}

// --- What the guest finds at its ports
// --------------------------------------------------------------------------------

std::uint32_t Cpus::in(unsigned cpu, std::uint32_t port) {
    const Device device = ports_->at(port);
    const Lock lock(machine_.mutex);
    tell_instructions();
    switch (device) {
        case Device::serial:
            return in_serial(port);
        case Device::disk:
            return in_disk();
        case Device::clock:
            return in_clock(port);
        case Device::cpu:
            return in_cpu(cpu);
        default:
            nobody("reads", cpu, port);
    }
}

void Cpus::out(unsigned cpu, std::uint32_t port, std::uint32_t value) {
    const Device device = ports_->at(port);
    const Lock lock(machine_.mutex);
    tell_instructions();
    switch (device) {
        case Device::system:
            out_system(port, value);
            if (!machine_.running) processors_[cpu]->stop_after_this_instruction();
            break;
        case Device::serial:
            transmit(static_cast<std::uint8_t>(value));
            break;
        case Device::timer:
            out_timer(value);
            break;
        case Device::disk:
            out_disk(port, value);
            break;
        case Device::cpu:
            out_cpu(cpu, port, value);
            break;
        default:
            nobody("writes", cpu, port);
    }
}

void Cpus::out_system(std::uint32_t port, std::uint32_t value) {
    if (port % PortMap::ports_per_device == 0) {
        machine_.power_off(static_cast<int>(value & 0x3f));
        return;
    }
    if (!PortMap::may_hold_serial(value)) {
        fail(guest_fault, "the guest moves its serial port to ", value, ", which is taken");
    }
    machine_.write("move-serial", value);
    machine_.retired_ports.push_back(std::move(machine_.ports));
    machine_.ports = std::make_unique<PortMap>(value);
    // This thread itself has the next look already; the reclaimer waits until it has stopped executing.
    ports_ = machine_.ports.get();
    machine_.reclaimer_wakes.wake_one();
}

void Cpus::transmit(std::uint8_t byte) {
    machine_.write("output", static_cast<unsigned>(byte));
    if (::write(machine_.serial.output, &byte, 1) != 1)
        fail(trouble, "nobody takes the serial port's output");
}

std::uint32_t Cpus::in_serial(std::uint32_t port) {
    Serial& serial = machine_.serial;
    if (port % PortMap::ports_per_device == 1) {
        return (serial.received.empty() ? 0U : 1U) | (serial.end_of_input ? 2U : 0U);
    }
    if (serial.received.empty()) return 0;
    const std::uint8_t byte = serial.received.front();
    serial.received.pop_front();
    if (serial.received.empty()) machine_.console_wakes.wake_one();
    return byte;
}

void Cpus::out_timer(std::uint32_t value) {
    Timer& timer = machine_.timer;
    timer.period = value * ns_per_us;
    timer.deadline = value == 0 ? ESCAPEMENT_FOREVER : escapement_now() + timer.period;
    machine_.write("set-timer", value);
    machine_.main_wakes.wake_one();
}

void Cpus::out_disk(std::uint32_t port, std::uint32_t value) {
    Disk& disk = machine_.disk;
    switch (port % PortMap::ports_per_device) {
        case 0:
            disk.sector = value;
            break;
        case 1:
            disk.address = value;
            break;
        default:
            disk.asked.push_back({.number = ++disk.requests,
                                  .kind = value == 2 ? DiskRequest::Kind::write : DiskRequest::Kind::read,
                                  .sector = disk.sector,
                                  .address = disk.address});
            machine_.write("disk-request", disk.requests, value == 2 ? "write" : "read", disk.sector);
            machine_.disk_wakes.wake_one();
    }
}

/// The oldest completed request, with bit 31 if it failed; 0 if there is none.
std::uint32_t Cpus::in_disk() {
    Disk& disk = machine_.disk;
    if (disk.completed.empty()) return 0;
    const DiskRequest request = disk.completed.front();
    disk.completed.pop_front();
    return request.number | (request.succeeded ? 0U : 1U << 31);
}

std::uint32_t Cpus::in_clock(std::uint32_t port) {
    const std::int64_t now = escapement_now();
    const bool seconds = port % PortMap::ports_per_device == 0;
    const auto value = static_cast<std::uint32_t>(seconds ? now / ns_per_second : now % ns_per_second);
    machine_.write("clock", value);
    return value;
}

void Cpus::out_cpu(unsigned cpu, std::uint32_t port, std::uint32_t value) {
    CpuState& state = machine_.cpus[cpu];
    if (port % PortMap::ports_per_device == 0) {
        state.handler = value;
    } else {
        state.waiting = true;
        processors_[cpu]->stop_after_this_instruction();
    }
}

/// The interrupts that are pending, which are no longer.
std::uint32_t Cpus::in_cpu(unsigned cpu) {
    return std::exchange(machine_.cpus[cpu].pending, 0U);
}

}  // namespace

void run_cpus(Machine& machine, std::uint32_t entry) {
    Cpus(machine, entry).run();
}

}  // namespace emulator
