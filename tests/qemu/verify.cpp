// The command a user types.

#include "recording.hpp"

#include <catch2/catch.hpp>

using namespace escapement::qemu_tests;

TEST_CASE("verify --replay") {
    const Machine machine = linux_x86();
    if (!can_run(machine)) return;
    Workplace workplace;
    const auto directory = workplace.directory("verify");
    Command command = qemu_command(machine, Mode::record, "{dir}", "{}");
    const std::vector<std::string> before{ESCAPEMENT_COMMAND, "verify", "-n", "2", "--replay", "--"};
    command.arguments.insert(command.arguments.begin(), before.begin(), before.end());
    command.directory = directory;
    command.output = directory / "output";
    command.errors = directory / "errors";
    const int status = run(command, 180);
    INFO(contents(command.output) << contents(command.errors));
    REQUIRE(status == 0);
}
