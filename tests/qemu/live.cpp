// Input at arbitrary moments: no two recordings are the same, but each replays exactly, and guest time does
// not run away.

#include "connection.hpp"
#include "recording.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <random>

using namespace escapement::qemu_tests;

namespace {

namespace fs = std::filesystem;

/// The guest's serial port is the character device; what it writes also goes to {dir}/console.
Machine on(const std::string& device, Machine machine) {
    machine.serial_to_file = false;
    machine.options.insert(machine.options.end(), {"-chardev", device + ",id=line,logfile={dir}/console",
                                                   "-serial", "chardev:line"});
    return machine;
}

/// Types at moments that nobody can foresee. A line that goes both ways is read as well: a guest that nobody
/// reads waits.
void type(Connection line, const fs::path& console, bool both_ways) {
    const auto await = [&](const std::string& text) {
        if (both_ways) {
            line.await(text, 90);
        } else {
            await_in_file(console, text);
        }
    };
    std::minstd_rand random(std::random_device{}());
    std::uniform_real_distribution<double> pause(0.0, 0.4);
    await("guest: type");
    for (const char* const word : {"one", "two", "three", "four", "five"}) {
        sleep_seconds(pause(random));
        line.write(word);
        sleep_seconds(pause(random) / 4);
        line.write("\n");
    }
    await("typed 'five'");
    sleep_seconds(pause(random));
    line.write("quit\n");
    // To the end: what a guest writes when nobody is there any more is recorded as not written.
    await("Power down\r\n");
}

/// Records while `meanwhile` types, replays without, and compares.
void check_live(const Machine& machine, const std::function<void(Process&, const fs::path&)>& meanwhile,
                int input = -1) {
    if (!can_run(machine)) return;
    Workplace workplace;
    const fs::path directory = workplace.directory("run");
    Command command = ordered_command(machine, Mode::record, directory, directory / "log");
    command.input = input;
    Process process(command);
    meanwhile(process, directory);
    Run recording{.directory = directory, .status = process.wait(60).value_or(-1)};
    check_ended_well(machine, recording);
    REQUIRE(recording.console().find("typed 'three'") != std::string::npos);
    for (int time = 0; time < 2; ++time)
        check_replay(machine, recording, replay(machine, recording, workplace));
}

}  // namespace

TEST_CASE("live: typed into a pipe") {
    const Pipe pipe;
    const Machine machine = on("stdio,signal=off", device_x86("type"));
    check_live(
        machine,
        [&](Process&, const fs::path& directory) {
            type(Connection(dup(pipe.to_write)), directory / "console", false);
        },
        pipe.to_read);
}
TEST_CASE("live: typed into a pipe, 10.0", "[soak]") {
    const Pipe pipe;
    const Machine machine = on("stdio,signal=off", device_x86("type", Version::ten));
    check_live(
        machine,
        [&](Process&, const fs::path& directory) {
            type(Connection(dup(pipe.to_write)), directory / "console", false);
        },
        pipe.to_read);
}
TEST_CASE("live: typed into a socket") {
    const Machine machine = on("socket,path={dir}/line,server=on,wait=off", device_x86("type"));
    check_live(machine, [](Process&, const fs::path& directory) {
        type(Connection::to_socket(directory / "line"), directory / "console", true);
    });
}
TEST_CASE("live: typed into a terminal") {
    const Machine machine = on("pty", device_x86("type"));
    check_live(machine, [](Process&, const fs::path& directory) {
        // "char device redirected to /dev/pts/3 (label line)"
        const std::string said = await_in_file(directory / "output", " (label line)");
        const std::size_t begin = said.find("/dev/");
        REQUIRE(begin != std::string::npos);
        type(Connection::to_terminal(said.substr(begin, said.find(' ', begin) - begin)),
             directory / "console", true);
    });
}

TEST_CASE("live: an idle guest takes its time") {
    const Pipe pipe;
    const Machine machine = on("stdio,signal=off", device_x86("sleep"));
    if (!can_run(machine)) return;
    for (const Mode mode : {Mode::record, Mode::icount}) {
        Workplace workplace;
        const fs::path directory = workplace.directory("run");
        Command command = ordered_command(machine, mode, directory, directory / "log");
        command.input = pipe.to_read;
        Process process(command);
        await_in_file(directory / "console", "guest: sleeping");
        const double began = seconds_now();
        await_in_file(directory / "console", "guest: done");
        REQUIRE(seconds_now() - began >= 1.5);
        REQUIRE(process.wait(60) == 0);
    }
}

// Nobody types, and nobody listens.
TEST_CASE("serial: stdio, without input") {
    check_reproducible(on("stdio,signal=off", small_x86()));
    check_reproducible(on("stdio,signal=off", small_aarch64(Version::ten)));
}
TEST_CASE("serial: socket, without a peer") {
    for (const Version version : {Version::installed, Version::ten}) {
        const Machine machine = on("socket,path={dir}/line,server=on,wait=off", small_x86(version));
        if (!can_run(machine)) continue;
        Workplace workplace;
        const Run first = record(machine, workplace);
        check_ended_well(machine, first);
        const Run other = record(machine, workplace);
        check_ended_well(machine, other);
        check_same(first, other);
        // QEMU records that nothing could be written, and a replay does not even write it to the log file.
        const Run again = replay(machine, first, workplace);
        INFO(again.errors());
        REQUIRE(again.status == 0);
    }
}
TEST_CASE("serial: terminal, without a peer") {
    check_reproducible(on("pty", small_x86()));
    check_reproducible(on("pty", small_aarch64(Version::ten)));
}
