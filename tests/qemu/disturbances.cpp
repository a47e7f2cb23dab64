#include "disturbances.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <random>

namespace escapement::qemu_tests {

std::unique_ptr<Process> begin_load() {
    if (run({.arguments = {"stress-ng", "--version"}}) != 0) {
        cannot_run_here("stress-ng is not installed; run tools/setup packages tests");
        return nullptr;
    }
    return std::make_unique<Process>(Command{.arguments = {"stress-ng", "--quiet", "--cpu", "4", "--io", "2"},
                                             .directory = std::filesystem::temp_directory_path(),
                                             .any_cpu = true});
}

void stop_and_continue(Process& process) {
    std::minstd_rand random(std::random_device{}());
    std::exponential_distribution<double> running(20);
    std::exponential_distribution<double> stopped(50);
    const double end = seconds_now() + 120;
    while (seconds_now() < end && !process.wait(std::min(running(random), 0.5))) {
        process.send(SIGSTOP);
        sleep_seconds(std::min(stopped(random), 0.5));
        process.send(SIGCONT);
    }
}

namespace {

std::string first_cpu() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) return std::to_string(cpu);
    }
    return "0";
}

}  // namespace

Adjust Disturbances::adjust() {
    return [this](Command& command) {
        const unsigned number = runs_++;
        static constexpr const char* places[] = {"/", "/tmp", "/usr/share", "/var/tmp"};
        command.directory = places[number % 4];
        command.environment.emplace_back("ESCAPEMENT_TEST_PADDING",
                                         std::string(std::size_t{number} * 977 % 20000, 'x'));
        command.any_cpu = true;
        // Every third run is bound as usual, every third is not bound at all, the others to a CPU by name.
        const auto at = std::find(command.arguments.begin(), command.arguments.end(), "run");
        if (number % 3 == 1) command.arguments.insert(at + 1, {"--pin", "none"});
        if (number % 3 == 2) command.arguments.insert(at + 1, {"--pin", first_cpu()});
    };
}

}  // namespace escapement::qemu_tests
