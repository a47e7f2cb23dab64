// QEMU without rr=: plain, where nothing can be ordered, and with icount alone, where console and memory are
// the same every time.

#include "connection.hpp"
#include "recording.hpp"

#include <catch2/catch.hpp>

using namespace escapement::qemu_tests;

namespace {

namespace fs = std::filesystem;

void check_plain(const Machine& machine) {
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run run = run_ordered(machine, Mode::plain, workplace);
    INFO(run.errors());
    REQUIRE(run.status == 0);
    REQUIRE(run.console().find(machine.says) != std::string::npos);
}

void check_icount(const Machine& machine, unsigned count) {
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run first = run_ordered(machine, Mode::icount, workplace);
    check_ended_well(machine, first);
    for (unsigned number = 1; number < count; ++number) {
        const Run other = run_ordered(machine, Mode::icount, workplace);
        check_ended_well(machine, other);
        REQUIRE(first.console() == other.console());
    }
}

/// x86: halted, and interrupts are off.
bool has_halted_for_good(Connection& connection) {
    constexpr unsigned long interrupt_flag = 0x200;
    connection.write(R"({"execute":"human-monitor-command","arguments":{"command-line":"info registers"}})"
                     "\n");
    connection.await("FL=");
    const std::string registers = connection.await("\\nES =");
    return registers.find("HLT=1") != std::string::npos &&
           (std::stoul(registers, nullptr, 16) & interrupt_flag) == 0;
}

/// Runs until the guest has halted; leaves its memory in {dir}/memory.
Run run_to_memory(const Machine& machine, Workplace& workplace) {
    const fs::path directory = workplace.directory("run");
    Process process(ordered_command(machine, Mode::icount, directory, {}));
    await_in_file(directory / "console", "System halted");
    Connection connection = open_qmp(directory / "qmp");
    // Its last words are not the last thing that it does, and what QMP says comes when it comes.
    while (!has_halted_for_good(connection))
        sleep_seconds(0.01);
    qmp(connection, R"({"execute":"stop"})");
    qmp(connection, R"({"execute":"pmemsave","arguments":{"val":0,"size":134217728,"filename":")" +
                        (directory / "memory").string() + "\"}}");
    connection.write("{\"execute\":\"quit\"}\n");
    return {.directory = directory, .status = process.wait(30).value_or(-1)};
}

void check_memory(Version version, unsigned count) {
    Machine machine = device_x86("halt", version);
    machine.options.insert(machine.options.end(), {"-m", "128", "-qmp", "unix:{dir}/qmp,server=on,wait=off"});
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run first = run_to_memory(machine, workplace);
    check_ended_well(machine, first);
    REQUIRE(fs::file_size(first.directory / "memory") == 134217728);
    for (unsigned number = 1; number < count; ++number) {
        const Run other = run_to_memory(machine, workplace);
        check_ended_well(machine, other);
        REQUIRE(first.console() == other.console());
        INFO(first.directory << " and " << other.directory);
        const bool same = contents(first.directory / "memory") == contents(other.directory / "memory");
        REQUIRE(same);
    }
}

}  // namespace

TEST_CASE("plain: small") {
    check_plain(small_x86());
    check_plain(small_x86(Version::ten));
    check_plain(small_aarch64());
}
TEST_CASE("plain: Linux") {
    check_plain(linux_x86());
}
TEST_CASE("icount alone: small") {
    check_icount(small_x86(), recordings());
    check_icount(small_x86(Version::ten), recordings());
    check_icount(small_aarch64(), recordings());
}
TEST_CASE("icount alone: Linux aarch64") {
    check_icount(linux_aarch64(Version::ten), 2);
}
TEST_CASE("icount alone: console and memory") {
    check_memory(Version::installed, 2);
}
TEST_CASE("icount alone: console and memory, 10.0", "[soak]") {
    check_memory(Version::ten, 2);
}
