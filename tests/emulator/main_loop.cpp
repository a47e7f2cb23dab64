// The main loop: what the CPUs' thread has no time for. Timers that are due, and requests that the disk has
// done.

#include "machine.hpp"

namespace emulator {

namespace {

void expire_timer(Machine& machine) {
    Timer& timer = machine.timer;
    if (escapement_now() < timer.deadline) return;
    machine.write("timer");
    machine.raise(timer_interrupt);
    timer.deadline += timer.period;
    // A host that was away for long owes the guest no ticks.
    if (timer.deadline <= escapement_now()) timer.deadline = escapement_now() + timer.period;
}

void complete_requests(Machine& machine) {
    while (!machine.disk.carried_out.empty()) {
        const DiskRequest request = machine.disk.carried_out.front();
        machine.disk.carried_out.pop_front();
        machine.write("disk-complete", request.number, request.succeeded ? "well" : "failed", "after",
                      request.seek);
        machine.disk.completed.push_back(request);
        machine.raise(disk_interrupt);
    }
}

}  // namespace

void run_main_loop(Machine& machine) {
    Lock lock(machine.mutex);
    while (machine.running) {
        complete_requests(machine);
        expire_timer(machine);
        machine.main_wakes.wait_until(lock, machine.timer.deadline);
    }
}

}  // namespace emulator
