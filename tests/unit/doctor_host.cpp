// What the doctor says of hosts, most of which consist of a few files.
#include "doctor.hpp"
#include "doctor_files.hpp"

#include <escapement/event.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

using namespace escapement;
using namespace escapement::command;
using State = Finding::State;
using Catch::Contains;

namespace {

const std::string devices = "sys/bus/event_source/devices/";

Finding found(const std::vector<Finding>& findings, const std::string& name) {
    const auto at = std::find_if(findings.begin(), findings.end(),
                                 [&](const Finding& finding) { return finding.name == name; });
    REQUIRE(at != findings.end());
    return *at;
}

Finding found(const DoctorFiles& host, const std::string& name, const Trials& trials = {}) {
    return found(examine_host(read_host_facts(host.path()), trials), name);
}

Trials refused(const DoctorFiles& host, Refusal refusal, int error) {
    const HostFacts facts = read_host_facts(host.path());
    const std::string text =
        explain({.refusal = refusal, .error = error}, {.name = "CLOCK", .code = {}}, facts, 0);
    Trials trials;
    trials.counting_refused = text;
    trials.stepping_refused = text;
    return trials;
}

/// What the doctor says in a process that may not call perf_event_open.
std::string said_without_perf_event_open(int error) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        if (filter == nullptr ||
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), SCMP_SYS(perf_event_open),
                             0) != 0 ||
            seccomp_load(filter) != 0) {
            _exit(1);
        }
        const HostFacts facts = read_host_facts();
        Trials trials = try_host(facts);
        trials.preload_refused.clear();  // there is none beside the tests
        const auto findings = examine_host(facts, trials);
        const std::string text = to_text(findings, conclude(trials, nullptr, findings));
        [[maybe_unused]] const auto written = write(ends[1], text.data(), text.size());
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char part[4096];
    for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(got));
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    REQUIRE(status == 0);
    return text;
}

}  // namespace

TEST_CASE("doctor: breakpoints that are never met are told of, and leave stepping") {
    const DoctorFiles host;
    Trials trials;
    CHECK(found(host, "breakpoints", trials).state == Finding::State::ok);
    trials.handlers_unseen = "breakpoints can be set, and are never met: so it is; do that";
    const Finding finding = found(host, "breakpoints", trials);
    CHECK(finding.state == Finding::State::warning);
    CHECK(finding.value == "breakpoints can be set, and are never met: so it is");
    CHECK(finding.remedy == "do that");
    for (const Outlook::Clock& clock : conclude(trials, nullptr, {}).clocks) {
        if (clock.name == std::string_view("stepped"))
            CHECK((clock.works && clock.why.find("handlers") != std::string::npos));
    }
}

TEST_CASE("doctor: types of core are told with their CPUs") {
    DoctorFiles intel;
    intel.with(devices + "cpu_core/type", "4\n").with(devices + "cpu_core/cpus", "0-3\n");
    intel.with(devices + "cpu_atom/type", "10\n").with(devices + "cpu_atom/cpus", "4-11\n");
    const Finding hybrid = found(intel, "core types");
    CHECK(hybrid.state == State::info);
    CHECK(hybrid.value == "cpu_atom (CPUs 4-11), cpu_core (CPUs 0-3)");
    CHECK_THAT(hybrid.remedy, Contains("escapement run --pin 0-3 -- …"));

    DoctorFiles arm;
    arm.with("proc/cpuinfo", "CPU implementer : 0x41\nCPU part : 0xd05\nFeatures : fp asimd\n");
    arm.with("proc/sys/kernel/perf_user_access", "0\n");
    arm.with(devices + "armv8_cortex_a55/type", "8\n").with(devices + "armv8_cortex_a55/cpus", "0-3\n");
    arm.with(devices + "armv8_cortex_a76/type", "9\n").with(devices + "armv8_cortex_a76/cpus", "4-7\n");
    CHECK(found(arm, "core types").value == "armv8_cortex_a55 (CPUs 0-3), armv8_cortex_a76 (CPUs 4-7)");
    CHECK(found(arm, "LSE atomics").state == State::warning);
    CHECK(found(arm, "perf_user_access").remedy == "sysctl kernel.perf_user_access=1");
    arm.with("proc/cpuinfo", "CPU implementer : 0x41\nCPU part : 0xd0b\nFeatures : fp atomics asimd\n");
    CHECK(found(arm, "LSE atomics").state == State::ok);
}

TEST_CASE("doctor: what a sysctl forbids is mended by that sysctl") {
    DoctorFiles host;
    host.with("proc/sys/kernel/perf_event_paranoid", "4\n").with("proc/sys/kernel/nmi_watchdog", "1\n");
    host.with("proc/self/status", "CapEff:\t0000000000000000\nSeccomp:\t0\n");
    host.with(devices + "cpu/type", "4\n");
    const Trials trials = refused(host, Refusal::paranoid, EACCES);
    for (const char* const name : {"perf_event_paranoid", "hardware counters", "breakpoints"}) {
        CHECK(found(host, name, trials).state == State::warning);
        CHECK(found(host, name, trials).remedy == "sysctl kernel.perf_event_paranoid=2");
    }
    CHECK(found(host, "NMI watchdog").state == State::warning);
    CHECK(found(host, "NMI watchdog").remedy == "sysctl kernel.nmi_watchdog=0");
    host.with("proc/self/status", "CapEff:\t0000004000000000\nSeccomp:\t0\n");
    CHECK(found(host, "perf_event_paranoid").state == State::ok);
    CHECK(found(host, "capabilities").value == "CAP_PERFMON");
}

TEST_CASE("doctor: containers and virtual machines are told by their names") {
    DoctorFiles container;
    container.with("proc/self/status", "CapEff:\t00000000a80425fb\nSeccomp:\t2\n");
    const Trials trials = refused(container, Refusal::forbidden, EPERM);
    CHECK(found(container, "seccomp", trials).state == State::warning);
    CHECK_THAT(found(container, "seccomp", trials).remedy, Contains("--cap-add=PERFMON"));
    CHECK(found(container, "seccomp").state == State::info);

    DoctorFiles xen;
    xen.with("proc/cpuinfo", "vendor_id : GenuineIntel\nflags : fpu hypervisor\n");
    xen.with("sys/hypervisor/type", "xen\n");
    CHECK(found(xen, "hypervisor").value == "Xen");
    CHECK(found(xen, "hardware counters", refused(xen, Refusal::no_pmu, ENOENT)).remedy ==
          "start Xen with vpmu=on");
}

TEST_CASE("doctor: a cpuset is named where it narrows") {
    DoctorFiles host;
    host.with("sys/devices/system/cpu/online", "0-7\n");
    host.with("proc/self/status", "Cpus_allowed_list:\t2\n");
    host.with("proc/self/cgroup", "0::/a.slice/b.scope\n");
    host.with("sys/fs/cgroup/a.slice/cpuset.cpus.effective", "2\n");  // the scope has no cpuset of its own
    const Finding one = found(host, "CPUs");
    CHECK(one.state == State::info);
    CHECK(one.value == "may use 2 of 0-7; the cpuset has 2 (" +
                           host.path("sys/fs/cgroup/a.slice/cpuset.cpus.effective") + ")");
    CHECK_THAT(one.remedy, Contains("docker update --cpuset-cpus 0-7 CONTAINER"));
    host.with("sys/fs/cgroup/a.slice/cpuset.cpus.effective",
              "0-7\n");  // then it is the affinity that narrows
    CHECK(found(host, "CPUs").value == "may use 2 of 0-7");
    CHECK_THAT(found(host, "CPUs").remedy, Contains("taskset -c 0-7 escapement"));
    host.with("proc/self/cgroup", "3:cpuset:/../..\n0::/\n");
    host.with("sys/fs/cgroup/cpuset/cpuset.effective_cpus", "1-2\n");
    CHECK_THAT(found(host, "CPUs").value, Contains("the cpuset has 1-2"));
}

TEST_CASE("doctor: files that no kernel wrote are passed over") {
    const std::string huge(std::size_t{3} << 20U, '7');
    const std::string hostile[] = {
        "", "\n", "-", huge, std::string("\x1b[2J\0\xff:\x01", 8), "99999999999999999999"};
    for (const std::string& text : hostile) {
        DoctorFiles host;
        for (const char* const file :
             {"proc/cpuinfo", "proc/self/status", "proc/self/limits", "proc/self/cgroup",
              "proc/sys/kernel/perf_event_paranoid", "proc/sys/kernel/osrelease",
              "proc/sys/kernel/nmi_watchdog", "sys/devices/system/cpu/online",
              "sys/devices/system/cpu/smt/control", "sys/hypervisor/type"}) {
            host.with(file, text);
        }
        host.with(devices + "cpu_core/type", text).with(devices + "cpu_core/cpus", text);
        host.with("sys/fs/cgroup/cpuset.cpus.effective/a directory/x", text);
        const auto findings = examine_host(read_host_facts(host.path()), {});
        const Outlook outlook = conclude({}, nullptr, findings);
        const std::string said = to_text(findings, outlook);
        CHECK(said.size() < 20'000);
        CHECK(std::none_of(said.begin(), said.end(),
                           [](char letter) { return letter != '\n' && letter >= 0 && letter < ' '; }));
        const auto json = nlohmann::json::parse(to_json(findings, outlook), nullptr, false);
        CHECK(json["findings"].size() == findings.size());
        CHECK(json["verdict"]["clocks"].size() == 4);
    }
}

TEST_CASE("doctor: a seccomp filter is named as what forbids perf and stepped") {
    for (const int error : {EPERM, ENOSYS}) {
        const std::string said = said_without_perf_event_open(error);
        CAPTURE(said);
        CHECK_THAT(said, Contains("a filter is in force, and perf_event_open is refused"));
        CHECK_THAT(said, Contains("do:  start the container with --cap-add=PERFMON"));
        CHECK_THAT(said, Contains(error == EPERM ? "none: a seccomp filter forbids perf_event_open"
                                                 : "none: a seccomp filter answers"));
        CHECK_THAT(said, Contains("perf        no"));
        CHECK_THAT(said, Contains("stepped     no"));
        CHECK_THAT(said, Contains("operations  yes"));
    }
}
