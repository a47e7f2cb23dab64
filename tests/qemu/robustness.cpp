// The same recordings, whatever the host does meanwhile.

#include "disturbances.hpp"
#include "recording.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <iostream>

using namespace escapement::qemu_tests;

TEST_CASE("under load") {
    if (!can_run(small_x86())) return;
    const auto load = begin_load();
    if (!load) return;
    check_reproducible(small_x86(), 10);
    check_reproducible(small_aarch64(Version::ten), 5);
}
TEST_CASE("under load, Linux", "[soak]") {
    if (!can_run(linux_x86())) return;
    const auto load = begin_load();
    if (!load) return;
    check_reproducible(linux_x86(), 3);
}
TEST_CASE("stopped and continued at random") {
    check_reproducible(small_x86(), 10, {.meanwhile = stop_and_continue});
    check_reproducible(small_aarch64(), 5, {.meanwhile = stop_and_continue});
}
TEST_CASE("stopped and continued at random, Linux", "[soak]") {
    check_reproducible(linux_x86(), 3, {.meanwhile = stop_and_continue});
}

TEST_CASE("different directories, environments and CPUs") {
    Disturbances disturbances;
    check_reproducible(small_x86(), 10, {.adjust = disturbances.adjust()});
    check_reproducible(small_x86(Version::ten), 5, {.adjust = disturbances.adjust()});
}
TEST_CASE("different directories, environments and CPUs, Linux", "[soak]") {
    Disturbances disturbances;
    check_reproducible(linux_x86(), 4, {.adjust = disturbances.adjust()});
}

namespace {

namespace fs = std::filesystem;

/// Fifty recordings and fifty replays under everything at once. The first that differs ends it; what is said
/// then, with `ctest -V`, is how far it came.
void soak(const Machine& machine) {
    if (!can_run(machine)) return;
    const auto load = begin_load();
    if (!load) return;
    Disturbances disturbances;
    const Conditions conditions{
        .meanwhile = stop_and_continue, .adjust = disturbances.adjust(), .limit = 600};
    Workplace workplace;
    const Run first = record(machine, workplace);
    check_ended_well(machine, first);
    std::uint64_t operations = first.operations();
    for (unsigned number = 1; number <= 50; ++number) {
        CAPTURE(number, operations);
        const Run other = record(machine, workplace, conditions);
        check_ended_well(machine, other);
        check_same(first, other);
        const Run again = replay(machine, other, workplace, conditions);
        check_replay(machine, other, again);
        operations += other.operations() + again.operations();
    }
    std::cout << machine.name << ": 51 recordings, 50 replays, " << fs::file_size(first.log())
              << " bytes each, " << operations << " ordered operations, 0 differences\n";
}

Machine everything(Version version) {
    Machine machine = device_x86("", version);
    machine.disks = {{"raw", "threads"}, {"qcow2", "io_uring"}};
    machine.options.insert(
        machine.options.end(),
        {"-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n", "-object",
         "filter-replay,id=r,netdev=n", "-object", "rng-builtin,id=b", "-device", "virtio-rng-pci,rng=b"});
    return machine;
}

}  // namespace

TEST_CASE("soak: Linux x86_64, 7.2", "[soak]") {
    soak(linux_x86());
}
TEST_CASE("soak: Linux x86_64, 10.0", "[soak]") {
    soak(linux_x86(Version::ten));
}
TEST_CASE("soak: Linux aarch64, 7.2", "[soak]") {
    soak(linux_aarch64());
}
TEST_CASE("soak: Linux aarch64, 10.0", "[soak]") {
    soak(linux_aarch64(Version::ten));
}
TEST_CASE("soak: all devices, 7.2", "[soak]") {
    soak(everything(Version::installed));
}
TEST_CASE("soak: all devices, 10.0", "[soak]") {
    soak(everything(Version::ten));
}
TEST_CASE("soak: small x86", "[soak]") {
    soak(small_x86());
}
TEST_CASE("soak: small aarch64", "[soak]") {
    soak(small_aarch64());
}
