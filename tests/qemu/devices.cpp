// Devices that have something to do with the world outside the guest, or with threads of QEMU's.

#include "recording.hpp"

#include <catch2/catch.hpp>

using namespace escapement::qemu_tests;

namespace {

Machine with(Machine machine, std::vector<std::string> options) {
    machine.options.insert(machine.options.end(), options.begin(), options.end());
    return machine;
}

Machine with_disks(std::vector<Disk> disks, Version version = Version::installed) {
    Machine machine = device_x86("", version);
    machine.also_says = {"guest: /dev/vda", "guest: /dev/vdb"};
    machine.disks = std::move(disks);
    return machine;
}

/// Firmware that reads the disk which it boots from, and spins meanwhile.
Machine firmware_reads(const std::string& device, Version version = Version::installed) {
    return {.name = "firmware reads a disk",
            .version = version,
            .target = "x86_64",
            .options = {
                "-drive", "file=" + small("disk.bin").string() + ",format=raw,if=none,snapshot=on,id=image",
                "-drive", "driver=blkreplay,if=none,image=image,id=disk", "-device", device + ",drive=disk"}};
}

const std::vector<std::string> network{
    "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n", "-object", "filter-replay,id=r,netdev=n"};

}  // namespace

TEST_CASE("disks, aio=threads") {
    check_reproducible(with_disks({{"raw", "threads"}, {"qcow2", "threads"}}), 2);
}
TEST_CASE("disks, aio=threads, 10.0", "[soak]") {
    check_reproducible(with_disks({{"raw", "threads"}, {"qcow2", "threads"}}, Version::ten), 2);
}
TEST_CASE("disks, aio=native") {
    check_reproducible(with_disks({{"raw", "native", true}, {"qcow2", "native", true}}), 2);
}
TEST_CASE("disks, aio=io_uring") {
    check_reproducible(with_disks({{"raw", "io_uring"}, {"qcow2", "io_uring"}}), 2);
}
TEST_CASE("disks, aio=io_uring, 10.0", "[soak]") {
    check_reproducible(with_disks({{"raw", "io_uring"}, {"qcow2", "io_uring"}}, Version::ten), 2);
}
TEST_CASE("icount alone: disks") {
    const Machine machine = with_disks({{"raw", "threads"}, {"raw", "io_uring"}});
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run first = run_ordered(machine, Mode::icount, workplace);
    const Run second = run_ordered(machine, Mode::icount, workplace);
    for (const Run* const run : {&first, &second})
        check_ended_well(machine, *run);
    REQUIRE(first.console() == second.console());
    REQUIRE(first.operations() == second.operations());
}

TEST_CASE("disks of which the firmware reads") {
    check_reproducible(firmware_reads("ide-hd"), 2);
    check_reproducible(firmware_reads("virtio-blk-pci"), 2);
    check_reproducible(firmware_reads("ide-hd", Version::ten), 2);
}
TEST_CASE("firmware that spins does not keep the disk waiting") {
    Machine machine = firmware_reads("ide-hd");
    const auto operations = [&](Mode mode) {
        Workplace workplace;
        const Run run = run_ordered(machine, mode, workplace);
        check_ended_well(machine, run);
        return run.operations();
    };
    if (!can_run(machine)) return;
    // A thousand requests. A million instructions for each would be 70 million operations.
    REQUIRE(operations(Mode::record) < 1'000'000);
    // Eight million if what a worker has done were looked for as seldom as what comes from outside.
    REQUIRE(operations(Mode::icount) < 2'000'000);
    machine.escapement = {"--clock", "operations"};
    REQUIRE(operations(Mode::record) < 300'000);
}

TEST_CASE("a recording in which QEMU waits for itself ends, and says so") {
    for (const Version version : {Version::installed, Version::ten}) {
        Machine machine = firmware_reads("sd-card", version);
        machine.options.insert(machine.options.begin(), {"-device", "sdhci-pci"});
        if (!can_run(machine)) continue;
        Workplace workplace;
        const Run run = record(machine, workplace);
        INFO(run.errors());
        REQUIRE(run.status == 125);
        REQUIRE(run.errors().find("deadlock: QEMU's vCPU thread waits for a request") != std::string::npos);
        REQUIRE(run.errors().find("'rr' polls descriptors") != std::string::npos);
    }
}

TEST_CASE("a replay that QEMU does not get on with ends, and says where") {
    Machine machine = firmware_reads("ide-hd");
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run recording = record(machine, workplace);
    check_ended_well(machine, recording);
    machine.options.clear();  // what the recording has of its disk comes from nowhere
    const Run run = replay(machine, recording, workplace);
    INFO(run.errors());
    REQUIRE(run.status == 125);
    REQUIRE(run.errors().find("standstill: the replay does not get on: QEMU waits at guest instruction ") !=
            std::string::npos);
}

TEST_CASE("network: DHCP and ping") {
    Machine machine = with(device_x86(), network);
    machine.also_says = {"lease of 10.0.2.15", "2 packets received"};
    check_reproducible(machine, 2);
}
TEST_CASE("network: DHCP and ping, 10.0", "[soak]") {
    check_reproducible(with(device_x86("", Version::ten), network), 2);
}

TEST_CASE("random numbers: builtin") {
    Machine machine = with(device_x86(), {"-object", "rng-builtin,id=b", "-device", "virtio-rng-pci,rng=b"});
    machine.also_says = {"guest: random"};
    check_reproducible(machine, 2);
}
TEST_CASE("random numbers: rng-random") {
    Machine machine = with(device_x86(), {"-object", "rng-random,id=b,filename=/dev/urandom", "-device",
                                          "virtio-rng-pci,rng=b"});
    machine.also_says = {"guest: random"};
    check_reproducible(machine, 2);
}
