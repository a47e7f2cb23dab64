#include <escapement/host_facts.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace escapement;

namespace {

/// A host that consists of a few files, below a directory of its own.
class FakeHost {
  public:
    FakeHost() {
        std::string pattern = (std::filesystem::temp_directory_path() / "escapement-host-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        root_ = pattern;
    }
    ~FakeHost() {
        std::error_code error;
        std::filesystem::remove_all(root_, error);
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    FakeHost& with(const std::string& path, const std::string& text) {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
        return *this;
    }
    FakeHost& with_setting(const std::string& name, int value) {
        return with("proc/sys/kernel/" + name, std::to_string(value) + "\n");
    }
    FakeHost& with_process(int seccomp, const std::string& capabilities) {
        return with("proc/self/status", "Name:\tx\nCapEff:\t" + capabilities + "\nSeccomp:\t" +
                                            std::to_string(seccomp) + "\nSeccomp_filters:\t1\n");
    }
    [[nodiscard]] HostFacts facts() const { return read_host_facts(root_.string()); }
    [[nodiscard]] std::string explain(Refusal refusal, int error, unsigned cpu = 0) const {
        return escapement::explain({.refusal = refusal, .error = error},
                                   {.name = "CLOCK", .code = {.type = 4, .config = 8}}, facts(), cpu);
    }

  private:
    std::filesystem::path root_;
};

const char* const none = "0000000000000000";
const char* const all = "000001ffffffffff";
const char* const perfmon_only = "0000004000000000";

}  // namespace

TEST_CASE("a host without any files tells nothing, and explanations do without") {
    const FakeHost host;
    const HostFacts facts = host.facts();
    CHECK_FALSE(facts.paranoid);
    CHECK_FALSE(facts.nmi_watchdog);
    CHECK_FALSE(facts.seccomp);
    CHECK_FALSE(facts.open_files);
    CHECK(facts.core_pmus.empty());
    CHECK_FALSE(facts.may_count());
    for (int refusal = 0; refusal <= static_cast<int>(Refusal::other); ++refusal) {
        const std::string text = host.explain(static_cast<Refusal>(refusal), EIO);
        CHECK(text.find("CLOCK cannot be counted: ") == 0);
        CHECK(text.find('\n') == std::string::npos);
    }
}

TEST_CASE("a paranoid kernel is told by its sysctl") {
    FakeHost host;
    host.with_setting("perf_event_paranoid", 3).with_process(0, none);
    CHECK_FALSE(host.facts().may_count());
    CHECK(
        host.explain(Refusal::paranoid, EACCES) ==
        "CLOCK cannot be counted: kernel.perf_event_paranoid is 3, and this process has no CAP_PERFMON; run: "
        "sysctl kernel.perf_event_paranoid=2");
    host.with_process(0, perfmon_only);
    CHECK(host.facts().may_count());
    CHECK(host.explain(Refusal::paranoid, EACCES).find("a security module") != std::string::npos);
    host.with_process(0, none).with_setting("perf_event_paranoid", 2);
    CHECK(host.facts().may_count());
    CHECK(host.explain(Refusal::paranoid, EACCES).find("a security module") != std::string::npos);
}

TEST_CASE("a seccomp filter is told from a missing capability") {
    FakeHost host;
    host.with_process(2, none);
    const std::string filtered = host.explain(Refusal::forbidden, EPERM);
    CHECK(filtered.find("a seccomp filter forbids perf_event_open, and this process has no CAP_PERFMON") !=
          std::string::npos);
    CHECK(filtered.find("--cap-add=PERFMON") != std::string::npos);
    CHECK(host.explain(Refusal::no_support, ENOSYS).find("a seccomp filter answers") != std::string::npos);
    host.with_process(2, all);
    CHECK(host.explain(Refusal::forbidden, EPERM).find("CAP_PERFMON;") == std::string::npos);
    host.with_process(0, none);
    CHECK(host.explain(Refusal::forbidden, EPERM).find("seccomp") == std::string::npos);
    CHECK(host.explain(Refusal::forbidden, EPERM).find("run it with that capability") != std::string::npos);
    CHECK(host.explain(Refusal::no_support, ENOSYS).find("CONFIG_PERF_EVENTS") != std::string::npos);
}

TEST_CASE("the NMI watchdog is named as long as it has a counter") {
    FakeHost host;
    host.with_setting("nmi_watchdog", 1);
    for (const Refusal refusal : {Refusal::taken, Refusal::multiplexed}) {
        CHECK(host.explain(refusal, EBUSY).find("sysctl kernel.nmi_watchdog=0") != std::string::npos);
    }
    host.with_setting("nmi_watchdog", 0);
    for (const Refusal refusal : {Refusal::taken, Refusal::multiplexed}) {
        CHECK(host.explain(refusal, EBUSY).find("watchdog") == std::string::npos);
        CHECK(host.explain(refusal, EBUSY).find("perf") != std::string::npos);
    }
}

TEST_CASE("limits are told with what they are") {
    FakeHost host;
    host.with("proc/self/limits",
              "Limit                     Soft Limit           Hard Limit           Units\n"
              "Max processes             3                    4                    processes\n"
              "Max open files            1024                 4096                 files\n");
    const std::string files = host.explain(Refusal::too_many_files, EMFILE);
    CHECK(files.find("ulimit -n is 1024 (at most 4096); raise it, as with: ulimit -n 4096") !=
          std::string::npos);
    CHECK(host.explain(Refusal::too_many_files, ENFILE).find("fs.file-max") != std::string::npos);
    host.with_setting("perf_event_mlock_kb", 516);
    CHECK(host.explain(Refusal::no_memory, EPERM).find("sysctl kernel.perf_event_mlock_kb=2064") !=
          std::string::npos);
    CHECK(host.explain(Refusal::no_memory, ENOMEM).find("ENOMEM") != std::string::npos);
}

TEST_CASE("a virtual machine without counters is told from a bare one") {
    FakeHost host;
    host.with("proc/cpuinfo",
              "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n"
              "model name\t: Xeon\nflags\t\t: fpu hypervisor vme\n");
    CHECK(host.facts().vendor == CpuVendor::intel);
    CHECK(host.facts().family == 6);
    CHECK(host.facts().model == 143);
    CHECK(host.facts().virtual_machine);
    CHECK(host.facts().hypervisor.empty());
    CHECK(host.explain(Refusal::no_pmu, ENOENT).find("this virtual machine shows none") != std::string::npos);
    host.with("sys/class/dmi/id/sys_vendor", "VMware, Inc.\n");
    CHECK(host.explain(Refusal::no_pmu, ENOENT).find("vpmc.enable") != std::string::npos);
    host.with("sys/hypervisor/type", "xen\n");
    CHECK(host.facts().hypervisor == "Xen");
    FakeHost bare;
    bare.with("proc/cpuinfo",
              "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
              "model name\t: EPYC\nflags\t\t: fpu vme\n");
    CHECK(bare.facts().vendor == CpuVendor::amd);
    CHECK(bare.explain(Refusal::no_pmu, ENOENT).find("EPYC (family 25 model 17)") != std::string::npos);
    CHECK(bare.explain(Refusal::no_pmu, ENOENT).find("virtual machine") == std::string::npos);
    CHECK(bare.explain(Refusal::unknown_event, ENOENT).find("the counters of EPYC") != std::string::npos);
}

TEST_CASE("the types of core are found, and an event of another is told") {
    FakeHost host;
    host.with("proc/cpuinfo", "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n")
        .with("sys/bus/event_source/devices/armv8_pmuv3_0/type", "8\n")
        .with("sys/bus/event_source/devices/armv8_pmuv3_0/cpus", "0-3\n")
        .with("sys/bus/event_source/devices/armv8_pmuv3_1/type", "4\n")
        .with("sys/bus/event_source/devices/armv8_pmuv3_1/cpus", "4-7\n")
        .with("sys/bus/event_source/devices/software/type", "1\n");
    const HostFacts facts = host.facts();
    CHECK(facts.vendor == CpuVendor::arm);
    CHECK(facts.model == 0xd0c);
    REQUIRE(facts.core_pmus.size() == 2);
    REQUIRE(facts.pmu_of_cpu(5) != nullptr);
    CHECK(facts.pmu_of_cpu(5)->name == "armv8_pmuv3_1");
    CHECK(facts.pmu_of_cpu(8) == nullptr);
    CHECK(host.explain(Refusal::wrong_core_type, 0, 2)
              .find("an event of armv8_pmuv3_1 (CPUs 4-7), but the thread runs on CPU 2, which has "
                    "armv8_pmuv3_0; keep "
                    "it there: taskset -c 4-7") != std::string::npos);
    CHECK(host.explain(Refusal::wrong_core_type, 0, 5)
              .find("but the thread runs on CPU 5 now and was on one of another type; keep it there: taskset "
                    "-c 4-7") != std::string::npos);
}
