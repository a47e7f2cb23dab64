// `escapement run` itself: what it refuses, what it passes on.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

using namespace programs;

namespace {

void write_file(const std::string& path, const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
}

/// The one line that it says.
void expect_refused(const std::vector<std::string>& arguments, int status, const std::string& said) {
    const Ended ended = run({.arguments = arguments});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == status);
    REQUIRE(ended.output.empty());
    REQUIRE_THAT(ended.errors, Catch::Contains(said));
}

}  // namespace

TEST_CASE("commands that cannot be run", "[command]") {
    const Scratch scratch;
    expect_refused(ordered({"no-such-program-anywhere"}), 127, "no-such-program-anywhere");
    expect_refused(ordered({"/no/such/program"}), 127, "/no/such/program");
    expect_refused(ordered({scratch.path()}), 126, scratch.path());
    write_file(scratch.path("no-program"), "text", 0644);
    expect_refused(ordered({scratch.path("no-program")}), 126, "no-program");
    write_file(scratch.path("empty"), "", 0755);
    expect_refused(ordered({scratch.path("empty")}), 126, "empty");
}

TEST_CASE("wrong command lines", "[command]") {
    const std::string escapement = ESCAPEMENT_COMMAND;
    const auto refused = [&](std::vector<std::string> options) {
        options.insert(options.begin(), {escapement, "run"});
        options.insert(options.end(), {"--", "/bin/true"});
        expect_refused(options, 2, "");
    };
    refused({"--policy", "none"});
    refused({"--quantum", "0"});
    refused({"--quantum", "-1"});
    refused({"--quantum", "many"});
    refused({"--clock", "sundial"});
    refused({"--time", "never"});
    refused({"--seed", "x"});
    refused({"--no-such-option"});
    expect_refused({escapement, "run"}, 2, "");
    expect_refused({escapement, "run", "--"}, 2, "");
    expect_refused(ordered({"/bin/true"}, {"--pin", "4095"}), 125, "--pin");
    expect_refused(ordered({"/bin/true"}, {"--pin", "x"}), 125, "--pin");
}

TEST_CASE("run --pin says where the program runs, and why", "[command]") {
    const std::vector<std::string> command = {case_path("mutexes"), "normal"};
    const auto said = [&command](const std::vector<std::string>& options) {
        const Ended ended = run({.arguments = ordered(command, options)});
        REQUIRE(ended.status == 0);
        return ended.errors;
    };
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    unsigned first = 0;
    while (CPU_ISSET(first, &set) == 0)
        ++first;
    const std::string cpu = std::to_string(first);
    REQUIRE_THAT(said({"--pin", "auto"}), Catch::Contains("(serial: one physical core of "));
    REQUIRE_THAT(said({"--pin", cpu}), Catch::StartsWith("escapement: on CPU " + cpu + " (as asked; "));
    REQUIRE_THAT(said({"--pin", "auto", "--policy", "free"}), Catch::StartsWith("escapement: on any CPU ("));
    REQUIRE(said({"--pin", "none"}).empty());
    REQUIRE(said({}).empty());
}

TEST_CASE("who runs beside others that are bound to a CPU gets another", "[command]") {
    const std::vector<std::string> where = {"grep", "Cpus_allowed_list", "/proc/self/status"};
    const Ended before = run({.arguments = ordered(where, {"--pin", "auto"})});
    if (before.errors.find("one physical core of 1 usable") != std::string::npos) {
        WARN("skipped: this process may use one physical core only");
        return;
    }
    std::string cpu = before.output.substr(before.output.find('\t') + 1);
    cpu.pop_back();
    // More than whatever else is bound anywhere just now.
    std::vector<std::unique_ptr<Process>> others;
    for (unsigned number = 0; number < 40; ++number)
        others.push_back(std::make_unique<Process>(
            Start{.arguments = {"taskset", "-c", cpu, "sh", "-c", "echo here; exec sleep 100"}}));
    for (const auto& each : others)
        each->wait_for("here");
    const Ended after = run({.arguments = ordered(where, {"--pin", "auto"})});
    REQUIRE_THAT(after.errors, Catch::Contains(" left to processes that are bound there; "));
    REQUIRE_THAT(after.output, Catch::StartsWith("Cpus_allowed_list:\t"));
    REQUIRE(after.output != before.output);
}

TEST_CASE("programs that no library can be put before are refused in a line", "[command]") {
    const Scratch scratch;
    const std::string linked = case_path("static");
    expect_refused(ordered({linked}), 125, "is statically linked");
    REQUIRE(run({.arguments = ordered({linked}, {"--policy", "free"})}).output == "static\n");
    write_file(scratch.path("script"), "#!" + linked + "\n", 0755);
    expect_refused(ordered({scratch.path("script")}), 125, "is statically linked");

    std::string header =
        "\x7f"
        "ELF\x01\x01\x01";  // 32 bits
    header.resize(64);
    write_file(scratch.path("small"), header, 0755);
    expect_refused(ordered({scratch.path("small")}), 125, "32 bits");
    header[4] = '\x02';
    header[18] = '\x16';  // s390
    write_file(scratch.path("foreign"), header, 0755);
    expect_refused(ordered({scratch.path("foreign")}), 125, "another processor");
}

TEST_CASE("a place that the system preloads nothing from is named", "[command]") {
    const Scratch scratch;
    const std::filesystem::path build = std::filesystem::path(ESCAPEMENT_COMMAND).parent_path().parent_path();
    const std::filesystem::path place = scratch.path("with space");
    std::filesystem::create_directories(place / "bin");
    std::filesystem::create_directories(place / "lib/escapement");
    std::filesystem::copy_file(ESCAPEMENT_COMMAND, place / "bin/escapement");
    const auto* const library = "lib/escapement/libescapement-preload.so";
    std::filesystem::copy_file(build / library, place / library);
    expect_refused({(place / "bin/escapement").string(), "run", "--", "/bin/true"}, 125, "space or a colon");
}

TEST_CASE("a set-uid program is refused in a line", "[command]") {
    if (geteuid() != 0) {
        WARN("not root, so no program of another user can be made: skipped");
        return;
    }
    const Scratch scratch;
    const std::string program = scratch.path("program");
    std::filesystem::copy_file("/bin/true", program);
    REQUIRE(chown(program.c_str(), 65534, 65534) == 0);
    REQUIRE(chmod(program.c_str(), 04755) == 0);
    expect_refused(ordered({program}), 125, "is set-uid");
}

TEST_CASE("what only QEMU has is asked of others in vain", "[command]") {
    const Ended ended = run({.arguments = ordered({"/bin/true"}, {"--clock", "reported"})});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 2);
    REQUIRE_THAT(ended.errors, Catch::Contains("reported"));
}

TEST_CASE("scripts and arguments come as they are", "[command]") {
    const Scratch scratch;
    write_file(scratch.path("script"), "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 6\n", 0755);
    const Ended ended =
        run({.arguments = ordered({scratch.path("script"), "[a,b]", "", "--", "--seed", "a b"})});
    REQUIRE(ended.output == "<[a,b]><><--><--seed><a b>");
    REQUIRE(ended.status == 6);
}

TEST_CASE("libraries that the user preloads stay", "[command]") {
    const std::vector<std::string> command = {"/bin/sh", "-c", "echo \"$LD_PRELOAD\""};
    const Ended ended = run({.arguments = ordered(command), .more_environment = {"LD_PRELOAD=libm.so.6"}});
    REQUIRE_THAT(ended.output, Catch::EndsWith("libescapement-preload.so:libm.so.6\n"));
}

TEST_CASE("other allocators", "[command]") {
    const auto* const library = GENERATE("libjemalloc.so.2", "libtcmalloc_minimal.so.4");
    const std::string preload = std::string("LD_PRELOAD=") + library;
    if (!run({.arguments = {"/bin/true"}, .more_environment = {preload}}).errors.empty()) {
        WARN(std::string(library) + " is not installed: skipped");
        return;
    }
    for (const char* const quantum : {"1", "7", "1000"}) {
        std::string first;
        for (int number = 0; number < 5; ++number) {
            const Ended ended = run(
                {.arguments = ordered({case_path("standard_cpp"), "asynchronous"}, {"--quantum", quantum}),
                 .more_environment = {preload}});
            CAPTURE(library, quantum, number, ended.errors);
            REQUIRE(ended.status == 0);
            REQUIRE(results_of(ended.output) == "thrown: 1\nsum: 58\n");
            if (first.empty()) first = ended.output;
            REQUIRE(ended.output == first);
        }
    }
}

TEST_CASE("no order at all when asked for none", "[command]") {
    const Ended ended = run({.arguments = ordered({case_path("mutexes"), "normal"}, {"--policy", "free"})});
    REQUIRE(ended.status == 0);
    REQUIRE(results_of(ended.output) == "sum: 2000\n");
}
