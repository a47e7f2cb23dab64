// The workbench of a host without counters, and with those that the kernel counts itself; profiles in files.

#include <escapement/calibration.hpp>

#include <catch2/catch.hpp>
#include <linux/perf_event.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace escapement;

namespace {

const Event page_faults{.name = "page faults",
                        .code = {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS}};
const Event nonsense{.name = "nonsense", .code = {.type = 4242, .config = 1}};

bool is_a_line(const std::string& text) {
    return text.size() > 10 && text.find('\n') == std::string::npos;
}

struct Directory {
    std::string path;
    Directory() {
        char name[] = "/tmp/workbench.XXXXXX";
        path = mkdtemp(name);
    }
    ~Directory() { std::filesystem::remove_all(path); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
};

/// The counts of a cause that came `times` times.
std::vector<Workbench::DisturbedCount> disturbed(Workbench& bench, Disturbance cause,
                                                 std::initializer_list<unsigned> times) {
    std::vector<Workbench::DisturbedCount> counts;
    for (const unsigned each : times) {
        const auto found = bench.count_disturbed(page_faults, cause, each);
        INFO((found ? std::string() : found.error()));
        REQUIRE(found);
        counts.push_back(*found);
    }
    return counts;
}

}  // namespace

TEST_CASE("the workbench goes to every core type, and comes back") {
    const auto before = sysconf(_SC_NPROCESSORS_ONLN);
    {
        const auto bench = host_workbench();
        const auto cores = bench->cores();
        REQUIRE(!cores.empty());
        for (const auto& core : cores) {
            CHECK(!core.type.empty());
            REQUIRE(!core.cpus.empty());
            CHECK(bench->go_to(core));
            CHECK(sched_getcpu() == static_cast<int>(core.cpus.back()));
        }
        const auto nowhere = bench->go_to({.type = "cpu_fast", .cpus = {100'000}});
        REQUIRE(!nowhere);
        CHECK(nowhere.error().find("none of the CPUs of cpu_fast can be used: ") == 0);
    }
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    CHECK(CPU_COUNT(&set) <= before);
    CHECK((before == 1 || CPU_COUNT(&set) > 1));
}

TEST_CASE("what cannot be counted is refused with a sentence") {
    const auto bench = host_workbench();
    const auto refused = [](const auto& result) { return !result && is_a_line(result.error()); };
    CHECK(refused(bench->try_open(nonsense)));
    CHECK(refused(bench->self_check(nonsense)));
    CHECK(refused(bench->count_code(nonsense, 0, 10)));
    CHECK(refused(bench->count_code(page_faults, 1000, 10)));
    CHECK(refused(bench->read_cost(nonsense, ReadWay::call)));
    CHECK(refused(bench->sample_alarm(nonsense, nonsense, 1000)));
    CHECK(refused(bench->capacity(nonsense)));
    CHECK(refused(bench->rate(nonsense)));
    CHECK(refused(bench->count_disturbed(nonsense, Disturbance::signal, 1)));
    CHECK(refused(bench->find("NO_SUCH_EVENT")));
}

TEST_CASE("disturbances come as often as they are asked for, and each adds what it adds") {
    const auto bench = host_workbench();
    REQUIRE(bench->go_to(bench->cores().front()));
    if (!bench->try_open(page_faults)) {
        WARN("the kernel's own events cannot be counted here");
        return;
    }
    for (const bool loaded : {false, true}) {
        bench->load(loaded);
        // A kernel may count faults that it served in a batch, but this one counts each.
        const auto faults = disturbed(*bench, Disturbance::page_fault, {0, 8, 3, 32});
        const std::uint64_t wanted[] = {0, 8, 3, 32};
        for (std::size_t index = 0; index < faults.size(); ++index) {
            CHECK(faults[index].occurrences == wanted[index]);
            CHECK(faults[index].counted == wanted[index]);
        }
        for (const Disturbance cause : {Disturbance::system_call, Disturbance::signal}) {
            const auto others = disturbed(*bench, cause, {0, 5, 32});
            CHECK(others[0].occurrences == 0);
            CHECK(others[1].occurrences == 5);
            CHECK(others[2].occurrences == 32);
            for (const auto& each : others)
                CHECK(each.counted == 0);
        }
        const auto switches = disturbed(*bench, Disturbance::context_switch, {0, 32});
        CHECK(switches[1].occurrences >= 32);
        if (!loaded) CHECK(switches[0].occurrences < 32);
    }
    bench->load(false);
    const auto migrated = bench->count_disturbed(page_faults, Disturbance::migration, 5);
    if (bench->cores().front().cpus.size() > 1) {
        REQUIRE(migrated);
        CHECK(migrated->occurrences == 5);
    } else {
        CHECK(is_a_line(migrated.error()));
    }
    const auto few = bench->count_disturbed(page_faults, Disturbance::timer_interrupt, 0);
    const auto many = bench->count_disturbed(page_faults, Disturbance::timer_interrupt, 32);
    // A hypervisor may deliver many of a guest's timer interrupts as one, and late: how many come is its
    // affair.
    REQUIRE(few);
    REQUIRE(many);
    CHECK(!bench->count_disturbed(page_faults, Disturbance::signal, 1000));
}

TEST_CASE("what needs no counter is measured") {
    const auto bench = host_workbench();
    REQUIRE(bench->go_to(bench->cores().front()));
    struct sigaction before {};
    sigaction(SIGTRAP, nullptr, &before);
    const auto is_time = [](const Workbench::Result<double>& cost) {
        INFO((cost ? std::string() : cost.error()));
        return cost ? *cost > 0 : is_a_line(cost.error());
    };
    CHECK(is_time(bench->trap_flag_step()));
    CHECK(is_time(bench->breakpoint_step()));
    CHECK((bench->trap_flag_step() || bench->breakpoint_step() || geteuid() != 0));
    const auto signal = bench->signal_cost();
    REQUIRE(signal);
    CHECK(*signal > 0);
    const auto operation = bench->operation_cost();
    REQUIRE(operation);
    CHECK(*operation > 0);
    const auto lateness = bench->timer_lateness();
    REQUIRE(lateness);
    CHECK(*lateness >= 0);
    struct sigaction after {};
    sigaction(SIGTRAP, nullptr, &after);
    CHECK(before.sa_handler == after.sa_handler);
}

TEST_CASE("the host has a fingerprint, the same from every CPU") {
    const Fingerprint here = host_fingerprint();
    CHECK(!here.architecture.empty());
    CHECK(!here.cpu_identity.empty());
    CHECK(!here.kernel.empty());
    const auto bench = host_workbench();
    const auto cores = bench->cores();
    for (const unsigned cpu : cores.front().cpus) {
        REQUIRE(bench->go_to({.type = "one", .cpus = {cpu}}));
        CHECK(difference(here, host_fingerprint()).empty());
    }
}

TEST_CASE("a profile is stored whole and loaded again") {
    const Directory directory;
    Profile profile;
    profile.effort = "quick";
    profile.host = host_fingerprint();
    profile.cores.push_back(
        {.core_type = "cpu",
         .cpus = {0},
         .events = {},
         .costs = {},
         .verdict = {.clock = {}, .alarm = {}, .fallback = "operations", .reasons = {}, .advice = {}}});
    const std::string path = directory.path + "/a/b/profile.json";
    REQUIRE(store_profile(profile, path));
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0027U) == 0);
    auto loaded = load_profile(path);
    INFO((loaded ? std::string() : loaded.error()));
    REQUIRE(loaded);
    CHECK(loaded->created.size() == 20);
    loaded->created.clear();
    CHECK(*loaded == profile);
    // Over one that is there; nothing else is left behind.
    REQUIRE(store_profile(profile, path));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path + "/a/b"), {}) == 1);
}

TEST_CASE("what is no profile is refused with its path") {
    const Directory directory;
    const auto refused = [](const std::string& path, const std::string& why) {
        const auto loaded = load_profile(path);
        REQUIRE(!loaded);
        INFO(loaded.error());
        CHECK(is_a_line(loaded.error()));
        CHECK(loaded.error().find(path) == 0);
        CHECK(loaded.error().find(why) != std::string::npos);
    };
    refused(directory.path + "/none", "No such file");
    refused(directory.path, "regular file");
    refused("/dev/zero", "regular file");
    const std::string pipe = directory.path + "/pipe";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    refused(pipe, "regular file");
    const std::string large = directory.path + "/large";
    std::ofstream(large) << "{";
    std::filesystem::resize_file(large, largest_profile + 1);
    refused(large, "larger than");
    const std::string text = directory.path + "/text";
    std::ofstream(text) << "not JSON";
    refused(text, "not JSON");
    CHECK(!store_profile({}, directory.path));
    CHECK(!store_profile({}, text + "/below/a/file"));
    CHECK(!store_profile({}, ""));
}

TEST_CASE("the standard place of a profile is below the home") {
    const char* const variables[] = {"XDG_CONFIG_HOME", "HOME"};
    std::string kept[2];
    bool was_set[2];
    for (int index = 0; index < 2; ++index) {
        const char* const value = std::getenv(variables[index]);
        was_set[index] = value != nullptr;
        kept[index] = value == nullptr ? "" : value;
    }
    setenv("HOME", "/home/one", 1);
    setenv("XDG_CONFIG_HOME", "/elsewhere", 1);
    CHECK(standard_profile_path() == "/elsewhere/escapement/profile.json");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    CHECK(standard_profile_path() == "/home/one/.config/escapement/profile.json");
    unsetenv("XDG_CONFIG_HOME");
    CHECK(standard_profile_path() == "/home/one/.config/escapement/profile.json");
    unsetenv("HOME");
    CHECK(standard_profile_path().empty());
    for (int index = 0; index < 2; ++index) {
        if (was_set[index]) setenv(variables[index], kept[index].c_str(), 1);
    }
}
