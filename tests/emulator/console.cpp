// The serial port's input: what comes from outside, the only thing that no order can make the same every
// time.

#include "machine.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>

namespace emulator {

namespace {

// How soon the thread notices that the machine was switched off, which no descriptor tells it.
constexpr std::int64_t look_ns = 10'000'000;

std::int64_t receive(void* descriptor, void* buffer, std::size_t capacity) {
    return read(*static_cast<int*>(descriptor), buffer, capacity);
}

}  // namespace

void run_console(Machine& machine, int input) {
    Serial& serial = machine.serial;
    Lock lock(machine.mutex);
    while (machine.running && !serial.end_of_input) {
        if (!serial.received.empty()) {
            machine.console_wakes.wait(lock);
            continue;
        }
        lock.unlock();
        pollfd descriptor{.fd = input, .events = POLLIN, .revents = 0};
        int ready = 0;
        std::array<std::uint8_t, Serial::room> bytes{};
        std::int64_t count = 0;
        check(escapement_poll(&descriptor, 1, look_ns, &ready));
        if (ready > 0) check(escapement_input("serial", bytes.data(), bytes.size(), receive, &input, &count));
        lock.lock();
        if (ready == 0) continue;
        if (count <= 0) {  // an end of the line, or a failing one: nothing more will come
            serial.end_of_input = true;
            machine.write("input", "end");
        } else {
            serial.received.assign(bytes.begin(), bytes.begin() + count);
            machine.write("input", count);
        }
        machine.raise(serial_interrupt);
    }
}

}  // namespace emulator
