// What the emulator is for: free, its runs differ; ordered, they are the same to the byte, whatever the host
// does.

#include "emulator_run.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace emulator_tests;

namespace {

const std::string typed =
    "The quick brown fox jumps over the lazy dog, and goes on for longer than the port has room.";

/// CPUs that have something else to do.
class Load {
  public:
    Load() {
        for (std::thread& each : threads_) {
            each = std::thread([this] {
                while (!over_.load(std::memory_order_relaxed)) {
                }
            });
        }
    }
    ~Load() {
        over_ = true;
        for (std::thread& each : threads_)
            each.join();
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

  private:
    std::atomic<bool> over_{false};
    std::array<std::thread, 3> threads_;
};

void check_well(const Run& run, const std::string& guest) {
    INFO(run.errors);
    CHECK(run.status == 0);
    CHECK(run.console == expected_console(guest, typed));
    CHECK(run.errors.empty());
    if (guest == "disk") CHECK(run.disk == expected_disk());
}

/// Runs undisturbed and disturbed in turn; all must leave the same log.
void check_same(const std::string& guest, std::vector<std::string> arguments, int times) {
    arguments.insert(arguments.end(), {"--guest", guest});
    std::set<std::string> logs;
    for (int time = 0; time < times; ++time) {
        std::vector<std::string> these = arguments;
        if (time % 2 == 1) these.insert(these.end(), {"--disturb", "300"});
        const Run run = emulate(these, typed);
        check_well(run, guest);
        CHECK(run.log.size() > 100);
        logs.insert(run.log);
    }
    CHECK(logs.size() == 1);
}

}  // namespace

// A free run is allowed to be like the one before, by chance; that is why this looks for two that differ, and
// has several tries. With threads that sleep for random times, and a clock that is the host's, it takes two.
TEST_CASE("free runs differ, and are right all the same") {
    for (const char* const guest : {"timer", "disk"}) {
        std::set<std::string> logs;
        for (int tries = 0; tries < 10 && logs.size() < 2; ++tries) {
            const Run run = emulate({"--guest", guest, "--policy", "free", "--disturb", "300"}, typed);
            check_well(run, guest);
            logs.insert(run.log);
        }
        CHECK(logs.size() == 2);
    }
}

TEST_CASE("serial runs are the same, disturbed or not") {
    const std::string guest = GENERATE("compute", "timer", "disk", "echo", "shared");
    CAPTURE(guest);
    check_same(guest, {"--policy", "counted", "--mode", "serial"}, 4);
}

TEST_CASE("parallel runs are the same, disturbed or not") {
    const std::string guest = GENERATE("compute", "timer", "disk", "echo", "shared");
    CAPTURE(guest);
    check_same(guest, {"--policy", "counted", "--mode", "parallel"}, 4);
}

TEST_CASE("ordered runs are the same on a busy host") {
    const Load load;
    const std::string mode = GENERATE("serial", "parallel");
    CAPTURE(mode);
    check_same("disk", {"--mode", mode}, 4);
}

TEST_CASE("strict alternation is the same every time, too") {
    check_same("disk", {"--policy", "ticktock"}, 3);
}

// So that the tests above do not pass because a log says nothing.
TEST_CASE("a log tells runs apart that are not the same") {
    const std::string mode = GENERATE("serial", "parallel");
    CAPTURE(mode);
    const Run one = emulate({"--guest", "disk", "--mode", mode, "--seed", "1"});
    const Run other = emulate({"--guest", "disk", "--mode", mode, "--seed", "2"});
    CHECK(one.status == 0);
    CHECK(other.status == 0);
    CHECK(one.log != other.log);
    CHECK(one.console == other.console);
}
