// SIGTERM and SIGINT end every kind of run within two seconds, whenever they come.

#include "recording.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <random>

using namespace escapement::qemu_tests;

namespace {

constexpr std::array moments{0.02, 0.1, 0.3, 0.8, 2.0};

void check_ends(const Command& command, double moment, int signal) {
    INFO("signal " << signal << " after " << moment << " s");
    Process process(command);
    REQUIRE(!process.wait(moment));
    process.send(signal);
    const double sent = seconds_now();
    std::optional<int> status = process.wait(1.9);
    const std::string threads = status ? "" : process.threads();
    if (!status) status = process.wait(8);
    INFO("it wrote:\n" << contents(command.errors));
    INFO("it took " << seconds_now() - sent << " s; its threads after 1.9 s, if there were any:\n"
                    << threads);
    REQUIRE(status);
    REQUIRE(seconds_now() - sent < 2.0);
    // QEMU has a handler, and ends itself; before that is in place, or if it got no turn, the signal ends it.
    REQUIRE((*status == 0 || *status == 128 + signal));
}

void check_ends(const Machine& machine, Mode mode, Workplace& workplace,
                const std::filesystem::path& log = {}) {
    std::minstd_rand random(std::random_device{}());
    for (const double moment : moments) {
        const double exactly = moment + std::uniform_real_distribution<double>(0, 0.1)(random);
        const int signal = random() % 2 == 0 ? SIGTERM : SIGINT;
        const auto directory = workplace.directory("run");
        check_ends(ordered_command(machine, mode, directory, log.empty() ? directory / "log" : log), exactly,
                   signal);
    }
}

/// A guest that runs until it is stopped.
Machine endless(Version version = Version::installed) {
    return device_x86("forever", version);
}

}  // namespace

TEST_CASE("termination: record") {
    if (!can_run(endless())) return;
    Workplace workplace;
    check_ends(endless(), Mode::record, workplace);
}
TEST_CASE("termination: record, 10.0") {
    if (!can_run(endless(Version::ten))) return;
    Workplace workplace;
    check_ends(endless(Version::ten), Mode::record, workplace);
}
TEST_CASE("termination: record with the clock of operations") {
    if (!can_run(endless())) return;
    Workplace workplace;
    Machine machine = endless();
    machine.escapement = {"--clock", "operations"};
    check_ends(machine, Mode::record, workplace);
}
TEST_CASE("termination: replay") {
    if (!can_run(linux_x86())) return;
    Workplace workplace;
    const Run recording = record(linux_x86(), workplace);
    check_ended_well(linux_x86(), recording);
    check_ends(linux_x86(), Mode::replay, workplace, recording.log());
}
TEST_CASE("termination: icount alone") {
    if (!can_run(endless())) return;
    Workplace workplace;
    check_ends(endless(), Mode::icount, workplace);
}
TEST_CASE("termination: plain") {
    if (!can_run(endless())) return;
    Workplace workplace;
    check_ends(endless(), Mode::plain, workplace);
}
TEST_CASE("termination: waiting for a debugger") {
    if (!can_run(small_x86())) return;
    Workplace workplace;
    for (const Mode mode : {Mode::record, Mode::icount, Mode::plain}) {
        Machine machine = small_x86();
        machine.options.insert(machine.options.end(), {"-S", "-gdb", "unix:{dir}/gdb,server=on,wait=off"});
        check_ends(machine, mode, workplace);
    }
}
