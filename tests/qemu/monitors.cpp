// Monitors and the debugger's stub: there and unused, and in use.

#include "connection.hpp"
#include "recording.hpp"

#include <catch2/catch.hpp>

using namespace escapement::qemu_tests;

namespace {

namespace fs = std::filesystem;

Machine with(Machine machine, std::vector<std::string> options) {
    machine.options.insert(machine.options.end(), options.begin(), options.end());
    return machine;
}

const std::vector<std::string> with_qmp{"-qmp", "unix:{dir}/qmp,server=on,wait=off"};
const std::vector<std::string> with_gdb{"-gdb", "unix:{dir}/gdb,server=on,wait=off"};

}  // namespace

TEST_CASE("monitor: there and unused") {
    const std::vector<std::string> monitor{"-monitor", "unix:{dir}/monitor,server=on,wait=off"};
    check_reproducible(with(small_x86(), monitor));
    check_reproducible(with(with(small_aarch64(Version::ten), monitor), with_qmp));
}
TEST_CASE("gdbstub: there and unused") {
    check_reproducible(with(small_x86(), with_gdb));
    check_reproducible(with(small_x86(Version::ten), with_gdb));
}

TEST_CASE("QMP: questions while it records") {
    const Machine machine = with(linux_x86(), with_qmp);
    if (!can_run(machine)) return;
    Workplace workplace;
    const fs::path directory = workplace.directory("run");
    Process process(ordered_command(machine, Mode::record, directory, directory / "log"));
    Connection connection = open_qmp(directory / "qmp");
    for (int time = 0; time < 20; ++time) {
        qmp(connection, R"({"execute":"query-status"})");
        qmp(connection, R"({"execute":"query-replay"})");
        sleep_seconds(0.05);
    }
    const Run recording{.directory = directory, .status = process.wait(90).value_or(-1)};
    check_ended_well(machine, recording);
    check_replay(machine, recording, replay(machine, recording, workplace));
}

TEST_CASE("gdbstub: continued by a debugger") {
    for (const Version version : {Version::installed, Version::ten}) {
        const Machine machine = with(small_x86(version), with_gdb);
        if (!can_run(machine)) continue;
        const Machine waiting = with(machine, {"-S"});
        Workplace workplace;
        const fs::path directory = workplace.directory("run");
        Process process(ordered_command(waiting, Mode::record, directory, directory / "log"));
        Connection debugger = Connection::to_socket(directory / "gdb");
        debugger.write("+$?#3f");
        debugger.await("$T");
        sleep_seconds(0.2);
        debugger.write("+$c#63");
        const Run recording{.directory = directory, .status = process.wait(60).value_or(-1)};
        check_ended_well(machine, recording);
        check_replay(machine, recording, replay(machine, recording, workplace));
    }
}

TEST_CASE("QMP: forward and back in a replay") {
    for (const Version version : {Version::installed, Version::ten}) {
        Workplace workplace;
        const std::string disk = (workplace.root() / "disk").string();
        Machine machine =
            with(small_x86(version),
                 {"-drive", "file=" + disk + ",format=qcow2,if=none,id=image", "-drive",
                  "driver=blkreplay,if=none,image=image,id=disk", "-device", "virtio-blk-pci,drive=disk"});
        machine.icount += ",rrsnapshot=begin";
        if (!can_run(machine)) continue;
        REQUIRE(run({.arguments = {"qemu-img", "create", "-q", "-f", "qcow2", disk, "4M"}}) == 0);
        const Run recording = record(machine, workplace);
        check_ended_well(machine, recording);

        const fs::path directory = workplace.directory("seek");
        Process process(
            ordered_command(with(with(machine, with_qmp), {"-S"}), Mode::replay, directory, recording.log()));
        Connection connection = open_qmp(directory / "qmp");
        for (const std::string count : {"300000", "100000", "200000"}) {
            connection.write(R"({"execute":"replay-seek","arguments":{"icount":)" + count + "}}\n");
            connection.await("\"STOP\"");
            connection.write("{\"execute\":\"query-replay\"}\n");
            connection.await("\"icount\": " + count);
        }
        connection.write("{\"execute\":\"cont\"}\n");
        const Run replay{.directory = directory, .status = process.wait(60).value_or(-1)};
        check_replay(machine, recording, replay);
    }
}
