// What a host or a program does to a run at the wrong moment: nothing hangs, nothing is lost silently, and
// what was written can be read.

#include "ordered.hpp"

#include <catch2/catch.hpp>
#include <dirent.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace programs;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> faults(const std::string& scenario, const std::vector<std::string>& options = {}) {
    return ordered({case_path("faults"), scenario}, options);
}

std::string quoted(const std::vector<std::string>& command) {
    std::string text;
    for (const std::string& word : command)
        text += " '" + word + "'";
    return text;
}

Ended shell(const std::string& script) {
    return run({.arguments = {"sh", "-c", script}, .limit = 60s});
}

/// Its journal holds what it reads, which cannot be made smaller.
std::string copy_much(const std::string& journal) {
    return "head -c 2000000 /dev/urandom |" + quoted(ordered({"cat"}, {"--journal", journal})) +
           " > /dev/null";
}

struct ReadBack {
    int status = 0;
    std::uint64_t records = 0;
    std::string trouble;  ///< "": it has its end
    std::uint64_t offset = 0;
};

ReadBack read_back(const std::string& journal) {
    const Ended ended = run({.arguments = {ESCAPEMENT_COMMAND, "log", "--histogram", "--json", journal}});
    ReadBack result;
    result.status = ended.status;
    const auto json = nlohmann::json::parse(ended.output);
    if (json.contains("error")) {
        result.trouble = json.at("error").at("kind");
        return result;
    }
    result.records = json.at("summary").at("records");
    if (const auto& trouble = json.at("summary").at("trouble"); !trouble.is_null()) {
        result.trouble = trouble.at("kind");
        result.offset = trouble.at("offset");
    }
    return result;
}

/// Waits until a file has grown to `size`.
void wait_for_size(const std::string& path, std::uint64_t size) {
    std::error_code error;
    for (int looks = 0; looks < 30'000; ++looks) {
        const std::uint64_t now = std::filesystem::file_size(path, error);
        if (!error && now >= size) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

/// Killed after `rounds` random times, half of them since its first block, it left a journal that reads back
/// to its last whole block.
void expect_journal_after_kill(int rounds) {
    const Scratch scratch;
    const std::string journal = scratch.path("journal");
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same times every time
    int with_records = 0;
    for (int round = 0; round < rounds; ++round) {
        std::filesystem::remove(journal);
        {
            Process process({.arguments = faults("endless", {"--journal", journal})});
            // A busy host may take longer than that to begin.
            if (round % 2 != 0) wait_for_size(journal, 8192);
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 80'000));
            process.send(SIGKILL);
            REQUIRE(process.wait().status == 128 + SIGKILL);
        }
        CAPTURE(round);
        if (!std::filesystem::exists(journal)) continue;  // killed before it began
        const std::uint64_t size = std::filesystem::file_size(journal);
        if (size == 0) continue;
        const ReadBack back = read_back(journal);
        CAPTURE(size, back.records, back.offset);
        REQUIRE(back.status == 2);
        REQUIRE(back.trouble == "cut");
        if (back.records == 0) continue;
        ++with_records;
        constexpr std::uint64_t most_block = 1U << 18U;
        REQUIRE(size - back.offset < most_block);
    }
    REQUIRE(with_records > rounds / 5);
}

/// Every thread of `process` is to run on `cpu`.
void move_threads(pid_t process, unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    std::error_code ended;
    for (const auto& each :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", ended))
        sched_setaffinity(std::stoi(each.path().filename().string()), sizeof set, &set);
}

/// A cpuset of this test's own.
class CpuSet {
  public:
    CpuSet() : path_("/sys/fs/cgroup/cpuset/escapement-test-" + std::to_string(getpid())) {
        std::error_code error;
        made_ = std::filesystem::create_directory(path_, error);
    }
    ~CpuSet() {
        if (made_) rmdir(path_.c_str());
    }
    CpuSet(const CpuSet&) = delete;
    CpuSet& operator=(const CpuSet&) = delete;

    [[nodiscard]] bool set(const char* what, const std::string& value) const {
        std::ofstream file(path_ + "/" + what);
        return made_ && (file << value << std::flush);
    }

  private:
    std::string path_;
    bool made_ = false;
};

}  // namespace

TEST_CASE("what is wanting in a program, or goes wrong in it, changes nothing of its order", "[faults]") {
    const auto* const scenario =
        GENERATE("no-memory", "no-descriptors", "wanders", "cancelled", "exceptions", "handler");
    CAPTURE(scenario);
    expect_same("faults", scenario, {.quanta = {"", "7"}, .runs = 1});
}

TEST_CASE("threads fork, and their children execute", "[faults]") {
    expect_same("faults", "forks", {.quanta = {""}, .may_be_marked = true, .runs = 2});
    const Scratch scratch;
    const Ended recorded = run({.arguments = faults("forks", {"--journal", scratch.path("journal")})});
    const Ended replayed = run({.arguments = faults("forks", {"--replay", scratch.path("journal")})});
    CAPTURE(recorded.errors, replayed.errors);
    REQUIRE(recorded.status == 0);
    REQUIRE(replayed.status == 0);
    REQUIRE(replayed.output == recorded.output);
}

TEST_CASE("who sleeps where nobody orders it is found without a descriptor too", "[faults]") {
    const Ended ended = run({.arguments = faults("no-descriptors-asleep")});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == 0);
    REQUIRE(ended.output == "got: 1\n");
    REQUIRE_THAT(ended.errors, Catch::Contains("not reproducible: participant 0 'main' slept in the kernel"));
}

TEST_CASE("a lock that will never be given back is told, with who has it", "[faults]") {
    const Ended careless = run({.arguments = faults("cancelled-with-lock")});
    CAPTURE(careless.errors);
    REQUIRE(careless.status == 125);
    REQUIRE_THAT(careless.errors, Catch::Contains("held by participant 1 'careless' since clock"));
    const Ended handler = run({.arguments = faults("handler-own-lock")});
    CAPTURE(handler.errors);
    REQUIRE(handler.status == 125);
    REQUIRE_THAT(handler.errors, Catch::Contains("waits for mutex") && Catch::Contains("held by itself"));
}

TEST_CASE("an exception that nobody catches ends the program, with its journal written", "[faults]") {
    const Scratch scratch;
    const Ended ended = run({.arguments = faults("exception-out", {"--journal", scratch.path("journal")})});
    REQUIRE(ended.status == 128 + SIGABRT);
    const ReadBack back = read_back(scratch.path("journal"));
    REQUIRE(back.trouble == "cut");
    REQUIRE(back.records >= 5);
    REQUIRE(back.offset == std::filesystem::file_size(scratch.path("journal")));
}

TEST_CASE("where a journal cannot be begun the program is not", "[faults]") {
    const auto* const path = GENERATE("/sys/journal", "/none/journal", "/sys", "");
    CAPTURE(path);
    const Ended ended = run({.arguments = faults("executed", {"--journal", path})});
    CAPTURE(ended.errors);
    REQUIRE(ended.status == (*path == '\0' ? 2 : 125));
    REQUIRE(std::count(ended.errors.begin(), ended.errors.end(), '\n') <= 2);
    REQUIRE_THAT(ended.errors, Catch::Contains(*path == '\0' ? "name is empty" : path));
}

TEST_CASE("where statistics cannot be written that is said, and the program is its own", "[faults]") {
    const Scratch scratch;
    const std::string device = scratch.path("device");
    // As /dev/full, which root could replace by accident.
    const bool full =
        shell("mknod " + device + " c 1 7 && : > /dev/null && ! echo x > " + device).status == 0;
    if (!full) WARN("no device is always full here: this takes root");
    for (const std::string& path : full ? std::vector{device, std::string("/sys/statistics")}
                                        : std::vector{std::string("/sys/statistics")}) {
        const Ended ended = run({.arguments = faults("cancelled", {"--stats=" + path})});
        CAPTURE(path, ended.errors);
        REQUIRE(ended.status == 0);
        REQUIRE_THAT(ended.errors,
                     Catch::StartsWith("escapement: cannot write the statistics to " + path + ": "));
        REQUIRE(std::filesystem::is_character_file(path) == (path == device));
    }
}

TEST_CASE("a full disk is told at once, and what is on it can be read", "[faults]") {
    const Scratch scratch;
    struct Case {
        std::string why;
        std::string script;
        std::string journal;
    };
    std::filesystem::create_directory(scratch.path("disk"));
    const std::string limited = scratch.path("limited");
    const std::string disk = scratch.path("disk/journal");
    const std::string copy = scratch.path("copy");
    const std::string mounted = "unshare -m sh -c \"mount -t tmpfs -o size=256k none " +
                                scratch.path("disk") + " && { " + copy_much(disk) + "; } && cp " + disk +
                                " " + copy + "\"";
    const std::string with_limit = "ulimit -f 900; " + copy_much(limited);
    std::vector<Case> cases = {{"File too large", with_limit, limited}};
    if (geteuid() == 0) {
        cases.push_back({"No space left on device", mounted, copy});
    } else {
        WARN("mounting a small disk takes root");
    }
    for (const Case& each : cases) {
        const Ended ended = shell(each.script);
        CAPTURE(each.script, ended.errors);
        REQUIRE(ended.status == 0);
        REQUIRE_THAT(ended.errors, Catch::Contains(each.why + "; it is whole up to byte"));
        const ReadBack back = read_back(each.journal);
        REQUIRE(back.trouble == "cut");
        REQUIRE(back.records > 5);
    }
}

TEST_CASE("few descriptors are enough", "[faults]") {
    const Scratch scratch;
    const Ended many = run({.arguments = faults("exceptions")});
    const Ended few =
        shell("ulimit -n 6; exec" + quoted(faults("exceptions", {"--journal", scratch.path("journal")})));
    CAPTURE(few.errors);
    REQUIRE(few.status == 0);
    REQUIRE(few.output == many.output);
    REQUIRE(read_back(scratch.path("journal")).trouble.empty());
}

TEST_CASE("without memory for the journal there is one line", "[faults]") {
    // Between what the program needs and what the journal takes at once.
    const Scratch scratch;
    const Ended ended =
        shell("ulimit -v 24000; exec" + quoted(faults("executed", {"--journal", scratch.path("journal")})));
    CAPTURE(ended.errors);
    if (ended.status == 127) {
        WARN("the command itself cannot be loaded in so little here");
        return;
    }
    REQUIRE(ended.status == 125);
    REQUIRE(ended.errors == "escapement: no memory for the journal\n");
}

TEST_CASE("a journal reads back to the last whole block after kill -9", "[faults]") {
    expect_journal_after_kill(20);
}

TEST_CASE("a journal reads back to the last whole block after kill -9, a thousand times", "[.][soak]") {
    expect_journal_after_kill(1000);
}

TEST_CASE("being stopped for long changes nothing", "[faults]") {
    const auto long_work = ordered({case_path("endings"), "long-work"});
    const Ended undisturbed = run({.arguments = long_work});
    Process process({.arguments = long_work});
    process.wait_for("ready");
    process.send(SIGSTOP);
    std::this_thread::sleep_for(1500ms);  // longer than a thread may spin
    process.send(SIGCONT);
    const Ended disturbed = process.wait();
    REQUIRE(disturbed.status == 0);
    REQUIRE(disturbed.output == undisturbed.output);
    REQUIRE(disturbed.errors.empty());
}

TEST_CASE("being moved from CPU to CPU changes nothing", "[faults]") {
    const auto long_work = ordered({case_path("endings"), "long-work"});
    const Ended undisturbed = run({.arguments = long_work});
    Process process({.arguments = long_work});
    process.wait_for("ready");
    for (unsigned round = 0; round < 20; ++round) {
        move_threads(process.id(), round % std::thread::hardware_concurrency());
        std::this_thread::sleep_for(3ms);
    }
    const Ended disturbed = process.wait();
    REQUIRE(disturbed.status == 0);
    REQUIRE(disturbed.output == undisturbed.output);
    REQUIRE(disturbed.errors.empty());
}

TEST_CASE("losing the CPU that it was bound to changes nothing", "[faults]") {
    // The kernel does the same to a CPU that is taken offline: who may run there only may run elsewhere from
    // then on.
    const CpuSet set;
    if (!set.set("cpuset.mems", "0") || !set.set("cpuset.cpus", "0-1")) {
        WARN("no cpuset of one's own here: this takes root, two CPUs and cgroup v1's cpuset");
        return;
    }
    const auto long_work = ordered({case_path("endings"), "long-work"}, {"--pin", "0"});
    const Ended undisturbed = run({.arguments = long_work});
    Process process({.arguments = long_work});
    REQUIRE(set.set("cgroup.procs", std::to_string(process.id())));
    process.wait_for("ready");
    REQUIRE(set.set("cpuset.cpus", "1"));
    const Ended disturbed = process.wait();
    REQUIRE(disturbed.status == 0);
    REQUIRE(disturbed.output == undisturbed.output);
    REQUIRE(disturbed.errors == undisturbed.errors);
}

TEST_CASE("a clock that is set back changes nothing", "[faults]") {
    const std::vector<std::string> set_back = {"LD_PRELOAD=" + case_path("libclock_set_back.so")};
    const Ended undisturbed = run({.arguments = faults("time")});
    const Ended disturbed = run({.arguments = faults("time"), .more_environment = set_back});
    REQUIRE(disturbed.status == 0);
    REQUIRE(disturbed.output == undisturbed.output);
    // By the host's time a wait lasts as long as the program meant, whose calendar was set before it read it.
    const Ended real = run({.arguments = faults("time", {"--time", "real"}), .more_environment = set_back});
    CAPTURE(real.output, real.errors);
    REQUIRE(real.status == 0);
    REQUIRE_THAT(real.output, Catch::Contains("later: 1"));
    REQUIRE_THAT(real.output, Catch::Contains("early: 0"));
    // A wait by the kernel's calendar, which was not set, is over at once: so the test would see it.
    const Ended unordered = run({.arguments = {case_path("faults"), "time"}, .more_environment = set_back});
    REQUIRE_THAT(unordered.output, Catch::Contains("early: 1"));
}
