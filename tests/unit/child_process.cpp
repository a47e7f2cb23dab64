#include <escapement/child_process.hpp>

#include <catch2/catch.hpp>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using escapement::ChildEnd;
using escapement::ChildRequest;
using escapement::Interruption;
using escapement::run_child;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

class Scratch {
  public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "child-process-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string file(const std::string& name) const { return (directory_ / name).string(); }

  private:
    std::filesystem::path directory_;
};

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

ChildRequest shell(const std::string& script) {
    ChildRequest request;
    request.arguments = {"sh", "-c", script};
    return request;
}

/// Whether a process lives. One that is dead and only waits to be reaped by init does not.
bool alive(pid_t process) {
    const std::string status = contents("/proc/" + std::to_string(process) + "/status");
    return !status.empty() && status.find("State:\tZ") == std::string::npos;
}

}  // namespace

TEST_CASE("a child's exit status, output and errors come back") {
    const Scratch scratch;
    auto interruption = Interruption::begin();
    REQUIRE(interruption);
    ChildRequest request = shell("echo out; echo err >&2; exit 3");
    request.standard_output = scratch.file("out");
    request.standard_error = scratch.file("err");
    const auto end = run_child(request, *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::exited);
    CHECK(end->code == 3);
    CHECK_FALSE(end->succeeded());
    CHECK(contents(request.standard_output) == "out\n");
    CHECK(contents(request.standard_error) == "err\n");
    CHECK(end->wall > seconds{0});
    CHECK(end->peak_resident > 0);
}

TEST_CASE("output and errors can share a file and keep their order") {
    const Scratch scratch;
    auto interruption = Interruption::begin();
    ChildRequest request = shell("echo one; echo two >&2; echo three");
    request.standard_output = request.standard_error = scratch.file("both");
    REQUIRE(run_child(request, *interruption));
    CHECK(contents(request.standard_output) == "one\ntwo\nthree\n");
}

TEST_CASE("CPU time counts the child's own children") {
    auto interruption = Interruption::begin();
    const auto end =
        run_child(shell("sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; true"), *interruption);
    REQUIRE(end);
    CHECK(end->succeeded());
    CHECK(end->cpu > milliseconds{5});
}

TEST_CASE("a child that a signal ended says which") {
    auto interruption = Interruption::begin();
    const auto end = run_child(shell("kill -SEGV $$"), *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::signalled);
    CHECK(end->code == SIGSEGV);
}

TEST_CASE("a program that does not exist is one clear line") {
    auto interruption = Interruption::begin();
    ChildRequest request;
    request.arguments = {"no-such-program-here"};
    const auto in_path = run_child(request, *interruption);
    REQUIRE_FALSE(in_path);
    CHECK(in_path.error() == "cannot run no-such-program-here: no such program in PATH");

    request.arguments = {"/etc/passwd"};
    const auto not_executable = run_child(request, *interruption);
    REQUIRE_FALSE(not_executable);
    CHECK(not_executable.error() == "cannot run /etc/passwd: Permission denied");

    request.arguments = {};
    CHECK_FALSE(run_child(request, *interruption));
}

TEST_CASE("an output file that cannot be made is one clear line") {
    auto interruption = Interruption::begin();
    ChildRequest request = shell("true");
    request.standard_output = "/no/such/directory/file";
    const auto end = run_child(request, *interruption);
    REQUIRE_FALSE(end);
    CHECK(end.error() == "cannot write /no/such/directory/file: No such file or directory");
}

TEST_CASE("a child whose time is over is ended") {
    auto interruption = Interruption::begin();
    ChildRequest request = shell("sleep 60");
    request.time_limit = milliseconds{100};
    const auto end = run_child(request, *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::timed_out);
    CHECK(end->wall >= milliseconds{100});
    CHECK(end->wall < seconds{30});
}

TEST_CASE("a child that is deaf to SIGTERM is killed after the grace") {
    auto interruption = Interruption::begin();
    ChildRequest request = shell("trap '' TERM; while :; do sleep 1; done");
    request.time_limit = milliseconds{200};
    request.grace = milliseconds{200};
    const auto end = run_child(request, *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::timed_out);
    CHECK(end->wall < seconds{30});
}

TEST_CASE("what a child leaves behind in its group is ended with it") {
    const Scratch scratch;
    auto interruption = Interruption::begin();
    const auto end = run_child(shell("sleep 60 & echo $! > " + scratch.file("pid")), *interruption);
    REQUIRE(end);
    CHECK(end->succeeded());
    const pid_t left = std::stoi(contents(scratch.file("pid")));
    for (int tries = 0; alive(left) && tries < 500; ++tries)
        usleep(10'000);
    CHECK_FALSE(alive(left));
}

TEST_CASE("a signal ends the child and is remembered") {
    auto interruption = Interruption::begin();
    REQUIRE(interruption);
    CHECK(interruption->signal() == 0);
    ChildRequest request = shell("sleep 60");
    int ticks = 0;
    request.on_tick = [&ticks] {
        if (++ticks == 1) kill(getpid(), SIGTERM);
    };
    const auto end = run_child(request, *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::interrupted);
    CHECK(end->code == SIGTERM);
    CHECK(end->wall < seconds{30});
    CHECK(interruption->signal() == SIGTERM);
}

TEST_CASE("the child can be interrupted even though its parent holds signals back") {
    auto interruption = Interruption::begin();
    const auto end = run_child(shell("kill -INT $$; exit 0"), *interruption);
    REQUIRE(end);
    CHECK(end->kind == ChildEnd::Kind::signalled);
    CHECK(end->code == SIGINT);
}

TEST_CASE("a child's input is empty") {
    auto interruption = Interruption::begin();
    const auto end = run_child(shell("read line && exit 1; exit 0"), *interruption);
    REQUIRE(end);
    CHECK(end->succeeded());
}
