// The ways to count: -icount's, and the clocks of escapement.

#include "recording.hpp"

#include <catch2/catch.hpp>

using namespace escapement::qemu_tests;

namespace {

Machine counting(Machine machine, const std::string& icount, std::vector<std::string> escapement = {}) {
    machine.icount = icount;
    machine.escapement = std::move(escapement);
    return machine;
}

}  // namespace

TEST_CASE("shift=0") {
    check_reproducible(counting(small_x86(), "shift=0"));
    check_reproducible(counting(small_aarch64(Version::ten), "shift=0"));
}
TEST_CASE("shift=2") {
    check_reproducible(counting(small_x86(), "shift=2"));
    check_reproducible(counting(small_aarch64(), "shift=2"));
}
TEST_CASE("shift=5") {
    check_reproducible(counting(small_x86(Version::ten), "shift=5"));
    check_reproducible(counting(small_aarch64(), "shift=5"));
}
TEST_CASE("shift=10") {
    check_reproducible(counting(small_x86(), "shift=10"));
    check_reproducible(counting(small_aarch64(Version::ten), "shift=10"));
}
TEST_CASE("shift=auto, small") {
    check_reproducible(counting(small_x86(), "shift=auto"));
    check_reproducible(counting(small_x86(Version::ten), "shift=auto"));
    check_reproducible(counting(small_aarch64(), "shift=auto"));
}
TEST_CASE("shift=auto, Linux", "[soak]") {
    check_reproducible(counting(linux_x86(), "shift=auto"), 2);
}
TEST_CASE("shift=2, Linux") {
    check_reproducible(counting(linux_aarch64(), "shift=2"), 2);
}
TEST_CASE("sleep=off, small") {
    check_reproducible(counting(small_x86(), "shift=7,sleep=off"));
    check_reproducible(counting(small_x86(Version::ten), "shift=7,sleep=off"));
    check_reproducible(counting(small_aarch64(), "shift=7,sleep=off"));
}
TEST_CASE("sleep=off, Linux", "[soak]") {
    check_reproducible(counting(linux_x86(), "shift=7,sleep=off"), 2);
}

TEST_CASE("clock operations, small") {
    check_reproducible(counting(small_x86(), "shift=7", {"--clock", "operations"}));
    check_reproducible(counting(small_x86(Version::ten), "shift=7", {"--clock", "operations"}));
    check_reproducible(counting(small_aarch64(), "shift=7", {"--clock", "operations"}));
}
TEST_CASE("clock operations, Linux", "[soak]") {
    check_reproducible(counting(linux_x86(), "shift=7", {"--clock", "operations"}), 2);
}
TEST_CASE("clock reported and other quanta, small") {
    check_reproducible(counting(small_x86(), "shift=7", {"--clock", "reported", "--quantum", "100000"}));
    check_reproducible(counting(small_aarch64(), "shift=7", {"--quantum", "10000"}));
}
TEST_CASE("strict alternation, small") {
    check_reproducible(counting(small_x86(), "shift=7", {"--policy", "ticktock"}), 2);
}

TEST_CASE("a QEMU that exports no symbols") {
    Machine machine = small_x86();
    machine.exports_symbols = false;
    check_reproducible(machine);
    if (!can_run(machine)) return;
    Workplace workplace;
    const Run run = record(machine, workplace);
    check_ended_well(machine, run);
    REQUIRE(run.errors().find("clock: operations") != std::string::npos);
}
TEST_CASE("a QEMU that exports no symbols, Linux", "[soak]") {
    Machine machine = linux_x86();
    machine.exports_symbols = false;
    check_reproducible(machine, 2);
}
