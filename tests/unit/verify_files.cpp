// Comparing, keeping and writing files.

#include "verify_compare.hpp"
#include "verify_directory.hpp"
#include "verify_report.hpp"
#include "verify_run_files.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace escapement::verify;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

WorkDirectory scratch() {
    auto work = WorkDirectory::temporary();
    REQUIRE(work);
    return std::move(*work);
}

RunResult completed_run(const WorkDirectory& work, int number, const std::string& artifact,
                        const std::string& console) {
    RunResult run;
    run.number = number;
    run.directory = *work.make("run-" + std::to_string(number));
    run.record.end = escapement::ChildEnd{};
    write(places_of_record(run).artifact, artifact);
    write(run.directory + "/console", console);
    return run;
}

}  // namespace

TEST_CASE("the first different byte of two files") {
    const WorkDirectory work = scratch();
    const std::string a = work.path() + "/a";
    const std::string b = work.path() + "/b";
    write(a, "abcdef");
    const auto compare = [&](const std::string& other) {
        write(b, other);
        const auto byte = first_different_byte(a, b);
        REQUIRE(byte);
        return *byte;
    };
    CHECK(compare("abcdef") == std::nullopt);
    CHECK(compare("abXdef") == 2);
    CHECK(compare("abcdefg") == 6);
    CHECK(compare("abc") == 3);
    CHECK(compare("") == 0);

    // Beyond one block, and exactly at its end.
    const std::string large(std::size_t{1} << 18, 'x');
    write(a, large);
    CHECK(compare(large) == std::nullopt);
    CHECK(compare(large + "y") == large.size());
    write(a, large + large + "y");
    CHECK(compare(large + large + "z") == 2 * large.size());

    const auto missing = first_different_byte(a, work.path() + "/none");
    REQUIRE_FALSE(missing);
    CHECK(missing.error() == "cannot read " + work.path() + "/none: No such file or directory");
}

TEST_CASE("a difference of texts names the line and shows it safely") {
    const WorkDirectory work = scratch();
    const std::string a = work.path() + "/a";
    const std::string b = work.path() + "/b";
    write(a, "one\r\ntwo\x1b[31m\r\nthree\n");
    write(b, "one\r\ntwO\nthree\n");
    CHECK(describe_text_difference("the console", a, b, 7) ==
          "the console differs from byte 7, line 2: \"two?[31m\" and \"twO\"");
    CHECK(printable(std::string(300, 'a'), 3) == "aaa...");
}

TEST_CASE("a temporary directory goes, unless it is kept") {
    std::string path;
    {
        const WorkDirectory work = scratch();
        path = work.path();
        write(*work.make("run") + "/file", "x");
        CHECK(fs::exists(path + "/run/file"));
        CHECK_FALSE(work.make("run"));
    }
    CHECK_FALSE(fs::exists(path));
    {
        WorkDirectory work = scratch();
        path = work.path();
        work.keep();
    }
    CHECK(fs::exists(path));
    fs::remove_all(path);
}

TEST_CASE("a chosen directory is kept, and must be empty") {
    const WorkDirectory work = scratch();
    const std::string chosen = work.path() + "/deep/chosen";
    {
        const auto kept = WorkDirectory::at(chosen);
        REQUIRE(kept);
        CHECK(kept->path() == chosen);
        REQUIRE(kept->make("run"));
    }
    CHECK(fs::exists(chosen + "/run"));
    const auto again = WorkDirectory::at(chosen);
    REQUIRE_FALSE(again);
    CHECK(again.error() == chosen + " is not empty: give --keep a new directory");
    write(work.path() + "/file", "");
    CHECK_FALSE(WorkDirectory::at(work.path() + "/file/x"));
}

TEST_CASE("equal artifacts share their space") {
    const WorkDirectory work = scratch();
    const Plan plan = *make_plan({"p", "{}"}, {"{dir}/console"});
    Group group;
    group.runs.push_back(completed_run(work, 1, "artifact", "hello\n"));
    group.runs.back().same_as = 1;
    RunResult run = completed_run(work, 2, "artifact", "hello\n");
    compare_with_first(plan, group, run);
    CHECK(run.same_as == 1);
    CHECK_FALSE(run.disagreement);
    CHECK(contents(places_of_record(run).artifact) == "artifact");
    CHECK(fs::equivalent(places_of_record(run).artifact, places_of_record(group.runs[0]).artifact));
}

TEST_CASE("a run is compared with the first, and counted with those that it equals") {
    const WorkDirectory work = scratch();
    const Plan plan = *make_plan({"p", "{}"}, {"{dir}/console"});
    Group group;
    for (const char* artifact : {"aaa", "aba", "aba"}) {
        const int number = static_cast<int>(group.runs.size()) + 1;
        RunResult run = completed_run(work, number, artifact, "hello\n");
        inspect_files(plan, run);
        compare_with_first(plan, group, run);
        group.runs.push_back(std::move(run));
    }
    CHECK_FALSE(group.runs[0].disagreement);
    REQUIRE(group.runs[2].disagreement);
    CHECK(group.runs[2].disagreement->byte == 1);
    CHECK(group.runs[2].same_as == 2);
    CHECK(summarize(group).identical == 2);
    CHECK(describe_disagreement(*group.runs[2].disagreement) == "first difference at byte 1");
}

TEST_CASE("runs whose consoles differ do not agree, whatever their artifacts are") {
    const WorkDirectory work = scratch();
    const Plan plan = *make_plan({"p", "{}"}, {"{dir}/console"});
    Group group;
    group.runs.push_back(completed_run(work, 1, "artifact", "hello\n"));
    group.runs.back().same_as = 1;
    RunResult run = completed_run(work, 2, "artifact", "hullo\n");
    compare_with_first(plan, group, run);
    REQUIRE(run.disagreement);
    CHECK_FALSE(run.disagreement->byte);
    REQUIRE(run.disagreement->consoles.size() == 1);
    CHECK(run.disagreement->consoles[0] ==
          "the console differs from byte 1, line 1: \"hello\" and \"hullo\"");
    CHECK_FALSE(run.agrees());
}

TEST_CASE("what a run should have left and did not is a failure") {
    const WorkDirectory work = scratch();
    const Plan plan = *make_plan({"p", "{}"}, {"{dir}/console"});
    RunResult run = completed_run(work, 1, "artifact", "hello\n");
    fs::remove(run.directory + "/console");
    inspect_files(plan, run);
    REQUIRE(run.record.failures.size() == 1);
    CHECK(run.record.failures[0] == "did not write " + run.directory + "/console");

    run.record.failures.clear();
    fs::remove(places_of_record(run).artifact);
    inspect_files(plan, run);
    REQUIRE(run.record.failures.size() == 1);
    CHECK(run.record.failures[0] == "made no file where {} stands in COMMAND");
}

TEST_CASE("a recording that was not closed is not complete") {
    const WorkDirectory work = scratch();
    const Plan plan = *make_plan({"q", "-icount", "rr=record,rrfile={}"}, {});
    RunResult run = completed_run(work, 1, std::string(40, '\0'), "");
    inspect_files(plan, run);
    CHECK(run.record.failures.size() == 1);

    // The same bytes from a command that records nothing are just bytes.
    const Plan other = *make_plan({"p", "{}"}, {});
    RunResult dump = completed_run(work, 2, std::string(40, '\0'), "");
    inspect_files(other, dump);
    CHECK(dump.complete());
    CHECK_FALSE(dump.events);
}

TEST_CASE("a report replaces its file as a whole, or not at all") {
    const WorkDirectory work = scratch();
    const std::string path = work.path() + "/report";
    CHECK(cannot_write(path).empty());
    CHECK_FALSE(fs::exists(path));
    REQUIRE(write_whole(path, "one"));
    REQUIRE(write_whole(path, "two"));
    CHECK(contents(path) == "two");
    CHECK(std::distance(fs::directory_iterator(work.path()), {}) == 1);
    CHECK((fs::status(path).permissions() & fs::perms::others_all) == fs::perms::none);
    // What somebody else left where a draft might go is not written to.
    const std::string victim = work.path() + "/victim";
    REQUIRE(write_whole(victim, "kept"));
    for (int number = 0; number < 3; ++number)
        fs::create_symlink(victim, fmt::format("{}.{}.{}.part", path, getpid(), number));
    REQUIRE(write_whole(path, "two"));
    CHECK(contents(victim) == "kept");
    CHECK(contents(path) == "two");

    CHECK(cannot_write(work.path() + "/none/report") ==
          "cannot write " + work.path() + "/none/report: No such file or directory");
    CHECK(cannot_write(work.path()) == "cannot write " + work.path() + ": Is a directory");
    CHECK_FALSE(write_whole(work.path() + "/none/report", "x"));
    // Always full.
    const auto full = write_whole("/dev/full", "x");
    REQUIRE_FALSE(full);
    CHECK(full.error() == "cannot write /dev/full: No space left on device");
}
