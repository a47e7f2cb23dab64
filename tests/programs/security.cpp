// What may come from somebody else does no harm: the environment in a privileged program, files where a name
// was foreseen, names and texts on their way to a terminal.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace programs;

namespace {

namespace fs = std::filesystem;

/// As an unprivileged user who asks the library for everything that it can do.
Ended run_as_nobody(const Scratch& scratch, const std::string& program) {
    const std::string script =
        "export ESCAPEMENT_PID=$$ ESCAPEMENT_POLICY=counted ESCAPEMENT_CLOCK=operations "
        "ESCAPEMENT_JOURNAL=record:" +
        scratch.path("open/journal") + " ESCAPEMENT_STATS=" + scratch.path("open/statistics") + "; exec '" +
        program + "'";
    return run({.arguments = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c",
                              script}});
}

unsigned mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool obeys_no_control(const std::string& text) {
    return std::none_of(text.begin(), text.end(), [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return (byte < 0x20 && letter != '\n') || byte == 0x7f;
    });
}

}  // namespace

TEST_CASE("in a set-uid program the library does nothing at all", "[security]") {
    const Scratch scratch;
    const std::string program = scratch.path("program");
    fs::copy_file(case_path("privileged"), program);
    fs::create_directory(scratch.path("open"));
    struct statvfs system {};
    REQUIRE(statvfs(program.c_str(), &system) == 0);
    if (geteuid() != 0 || (system.f_flag & ST_NOSUID) != 0) {
        WARN("making a set-uid program takes root, and a directory for temporary files that allows it");
        return;
    }
    chmod(scratch.path().c_str(), 0755);
    chmod(scratch.path("open").c_str(), 0777);
    chmod(program.c_str(), 0755);
    const Ended plain = run_as_nobody(scratch, program);
    if (plain.status == 127) {
        WARN("others cannot read the build directory");
        return;
    }
    CAPTURE(plain.errors);
    REQUIRE(plain.output == "privileged: 0\n");
    // So that the rest means something: where it is not privileged, it does what it is asked to.
    REQUIRE(fs::exists(scratch.path("open/journal")));
    REQUIRE(fs::exists(scratch.path("open/statistics")));
    fs::remove(scratch.path("open/journal"));
    fs::remove(scratch.path("open/statistics"));

    chmod(program.c_str(), 04755);
    const Ended privileged = run_as_nobody(scratch, program);
    REQUIRE(privileged.output == "privileged: 1\n");
    REQUIRE(privileged.errors.empty());
    REQUIRE(fs::is_empty(scratch.path("open")));
}

TEST_CASE("a path in the environment that run would not have written is refused", "[security]") {
    const auto* const variable = GENERATE("ESCAPEMENT_STATS=statistics", "ESCAPEMENT_STATS=");
    const Scratch scratch;
    const Ended ended = run({.arguments = {case_path("privileged")},
                             .more_environment = {variable},
                             .directory = scratch.path()});
    CAPTURE(variable, ended.errors);
    REQUIRE(ended.status == 2);
    REQUIRE_THAT(ended.errors, Catch::Contains("start the program by 'escapement run'"));
    REQUIRE(fs::is_empty(scratch.path()));
}

TEST_CASE("what a run writes is its owner's alone, whatever was there", "[security]") {
    const Scratch scratch;
    const std::string journal = scratch.path("journal");
    const std::string statistics = scratch.path("statistics");
    std::ofstream(journal) << "old";
    std::ofstream(statistics) << "old";
    chmod(journal.c_str(), 0666);
    chmod(statistics.c_str(), 0666);
    const Ended ended = run({.arguments = ordered({case_path("faults"), "forks"},
                                                  {"--journal", journal, "--stats=" + statistics})});
    REQUIRE(ended.status == 0);
    REQUIRE(mode_of(journal) == 0600);
    REQUIRE(mode_of(statistics) == 0600);
    REQUIRE(mode_of(journal + ".1") == 0600);
    const std::string trace = scratch.path("trace");
    REQUIRE(run({.arguments = {ESCAPEMENT_COMMAND, "trace", journal, "-o", trace}}).status == 0);
    REQUIRE((mode_of(trace) & 0027U) == 0);
}

TEST_CASE("a link where a name can be foreseen is not followed", "[security]") {
    const Scratch scratch;
    const std::string journal = scratch.path("journal");
    const std::string victim = scratch.path("victim");
    std::ofstream(victim) << "kept";
    fs::create_symlink(victim, journal + ".1");
    const Ended ended = run({.arguments = ordered({case_path("faults"), "forks"}, {"--journal", journal})});
    REQUIRE(ended.status == 0);
    REQUIRE_THAT(ended.errors,
                 Catch::Contains("cannot write the journal " + journal + ".1: Too many levels"));
    REQUIRE(contents(victim) == "kept");
}

TEST_CASE("no descriptor of the library's is left to what a program executes", "[security]") {
    const Scratch scratch;
    const Ended ended = run({.arguments = ordered({"sh", "-c", "ls /proc/self/fd | wc -l; :"},
                                                  {"--journal", scratch.path("journal")})});
    const Ended without = run({.arguments = {"sh", "-c", "ls /proc/self/fd | wc -l; :"}});
    REQUIRE(ended.status == 0);
    REQUIRE(ended.output == without.output);
}

TEST_CASE("no terminal obeys a name", "[security]") {
    const Scratch scratch;
    const std::string journal = scratch.path("journal");
    const Ended ended =
        run({.arguments = ordered({case_path("endings"), "names"},
                                  {"--journal", journal, "--stats=" + scratch.path("statistics")})});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 125);
    REQUIRE_THAT(ended.errors, Catch::Contains("deadlock"));
    REQUIRE(obeys_no_control(ended.errors));
    const auto statistics = nlohmann::json::parse(contents(scratch.path("statistics")));
    REQUIRE(statistics.at("participants").size() == 3);
    for (const auto* const command : {"log", "diff"}) {
        std::vector<std::string> arguments = {ESCAPEMENT_COMMAND, command, journal};
        if (std::string(command) == "diff") arguments.push_back(journal);
        const Ended shown = run({.arguments = arguments});
        REQUIRE(obeys_no_control(shown.output));
        REQUIRE(obeys_no_control(shown.errors));
    }
    const Ended trace = run({.arguments = {ESCAPEMENT_COMMAND, "trace", journal, "-o", "-"}});
    REQUIRE(obeys_no_control(trace.output));
    REQUIRE(nlohmann::json::parse(trace.output).contains("traceEvents"));
    // Another command: the journal's own is printed.
    const Ended other = run({.arguments = ordered({"/bin/true", "\x1b[2J"}, {"--replay", journal})});
    REQUIRE(other.status == 125);
    REQUIRE(obeys_no_control(other.errors));
    const Ended missing = run({.arguments = ordered({"/none\x1b[2J"})});
    REQUIRE(missing.status == 127);
    REQUIRE(obeys_no_control(missing.errors));
}
