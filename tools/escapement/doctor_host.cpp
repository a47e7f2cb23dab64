#include "doctor.hpp"

#include <escapement/placement.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <tuple>
#include <utility>

namespace escapement::command {

namespace {

using State = Finding::State;
using Findings = std::vector<Finding>;

std::string text_of(const std::optional<int>& value) {
    return value ? std::to_string(*value) : "not there";
}

bool has_capability(const HostFacts& facts, unsigned number) {
    return (facts.privileges.value_or(0) >> number & 1U) != 0;
}

std::set<unsigned> cpus_of(const std::optional<std::string>& list) {
    return list ? read_cpus(*list).value_or(std::set<unsigned>{}) : std::set<unsigned>{};
}

/// "X cannot be counted: " is true, and not the point where nothing can.
std::string reason_of(const std::string& explanation) {
    const std::size_t end = explanation.find(": ");
    return end == std::string::npos ? explanation : explanation.substr(end + 2);
}

/// An explanation has what to do at its end.
std::pair<std::string, std::string> parted(const std::string& explanation) {
    const std::size_t end = explanation.rfind("; ");
    if (end == std::string::npos) return {explanation, ""};
    std::string remedy = explanation.substr(end + 2);
    if (remedy.starts_with("run: ")) remedy.erase(0, 5);
    return {explanation.substr(0, end), remedy};
}

Finding kernel(const HostFacts& facts) {
    Finding finding{.name = "kernel",
                    .value = facts.kernel.value_or("unknown"),
                    .why = "boundaries at exact counts need breakpoints that send a signal: Linux 5.13"};
    unsigned major = 0;
    unsigned minor = 0;
    if (!facts.kernel || std::sscanf(facts.kernel->c_str(), "%9u.%9u", &major, &minor) != 2) return finding;
    const bool old = major < 5 || (major == 5 && minor < 13);
    finding.state = old ? State::warning : State::ok;
    if (old) finding.remedy = "boot a kernel of version 5.13 or later";
    return finding;
}

Finding hypervisor(const HostFacts& facts) {
    return {.name = "hypervisor",
            .state = State::info,
            .value = !facts.virtual_machine     ? "none to be seen"
                     : facts.hypervisor.empty() ? "a virtual machine, of whom it does not say"
                                                : facts.hypervisor,
            .why = "it decides whether this machine has hardware counters, and may add to their counts"};
}

Finding hardware_counters(const HostFacts& facts, const Trials& trials) {
    std::vector<std::string> names;
    for (const CorePmu& pmu : facts.core_pmus)
        names.push_back(pmu.name);
    Finding finding{.name = "hardware counters",
                    .value = names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")),
                    .why = "--clock perf counts with them"};
    if (!trials.counted.empty()) {
        finding.state = State::ok;
        finding.value += fmt::format("; {} can be opened", trials.counted);
        return finding;
    }
    finding.state = State::warning;
    finding.value =
        names.empty() ? reason_of(trials.counting_refused) : finding.value + "; " + trials.counting_refused;
    std::tie(finding.value, finding.remedy) = parted(finding.value);
    return finding;
}

Finding core_types(const HostFacts& facts) {
    Finding finding{.name = "core types",
                    .state = State::ok,
                    .value = "one",
                    .why = "counters differ between types of core: a run must stay on one"};
    if (facts.core_pmus.empty()) {
        finding.state = State::info;
        finding.value = "not known without hardware counters";
    }
    if (facts.core_pmus.size() < 2) return finding;
    std::vector<std::string> types;
    for (const CorePmu& pmu : facts.core_pmus)
        types.push_back(fmt::format("{} (CPUs {})", pmu.name, format_cpus(pmu.cpus)));
    finding.state = State::info;
    finding.value = fmt::format("{}", fmt::join(types, ", "));
    finding.remedy = fmt::format("nothing under --pin auto; to choose: escapement run --pin {} -- …",
                                 format_cpus(facts.core_pmus.back().cpus));
    return finding;
}

Finding known_pmus(const HostFacts& facts, const Trials& trials) {
    const bool known = !trials.known_pmus.empty();
    return {.name = "libpfm4",
            .state = known || facts.core_pmus.empty() ? (known ? State::ok : State::info) : State::warning,
            .value = known ? fmt::format("{}", fmt::join(trials.known_pmus, ", "))
                           : "does not know the counters of " + facts.cpu_name,
            .why = "it knows events by name; raw codes do without",
            .remedy = known || facts.core_pmus.empty()
                          ? ""
                          : "escapement run --clock perf --event rCODE -- …, with the code of retired "
                            "conditional branches (x86) or instructions (arm64) from the processor's manual"};
}

Finding paranoid(const HostFacts& facts) {
    Finding finding{.name = "perf_event_paranoid",
                    .state = facts.may_count() ? State::ok : State::warning,
                    .value = text_of(facts.paranoid),
                    .why = "above 2 only CAP_PERFMON may use counters and breakpoints"};
    if (!facts.paranoid) {
        finding.remedy = "boot a kernel with CONFIG_PERF_EVENTS";
        finding.state = State::warning;
    } else if (!facts.may_count()) {
        finding.remedy = "sysctl kernel.perf_event_paranoid=2";
    }
    return finding;
}

Finding capabilities(const HostFacts& facts) {
    std::vector<std::string> held;
    if (has_capability(facts, 38)) held.emplace_back("CAP_PERFMON");
    if (has_capability(facts, 21)) held.emplace_back("CAP_SYS_ADMIN");
    return {.name = "capabilities",
            .state = State::info,
            .value = !facts.privileges ? "unknown"
                     : held.empty()    ? "neither CAP_PERFMON nor CAP_SYS_ADMIN"
                                       : fmt::format("{}", fmt::join(held, ", ")),
            .why = "either allows counters and breakpoints whatever perf_event_paranoid says"};
}

Finding seccomp(const HostFacts& facts, const Trials& trials) {
    Finding finding{.name = "seccomp",
                    .state = State::ok,
                    .value = "no filter",
                    .why = "a container's filter may forbid perf_event_open, and with it perf and stepped"};
    if (!facts.seccomp) finding = {finding.name, State::info, "unknown", finding.why, ""};
    if (facts.seccomp.value_or(0) == 0) return finding;
    finding.state = State::info;
    finding.value = "a filter is in force; it lets breakpoints through";
    if (!trials.stepping_refused) return finding;
    finding.state = State::warning;
    finding.value = "a filter is in force, and perf_event_open is refused";
    finding.remedy =
        "start the container with --cap-add=PERFMON, or with --security-opt seccomp=FILE and a FILE "
        "that allows perf_event_open";
    return finding;
}

Finding breakpoints(const Trials& trials) {
    Finding finding{.name = "breakpoints",
                    .state = State::ok,
                    .value = "can be set",
                    .why = "threads are stopped at exact counts by them (perf, stepped)"};
    if (!trials.stepping_refused && !trials.handlers_unseen) return finding;
    const auto [reason, remedy] =
        parted(*(trials.stepping_refused ? trials.stepping_refused : trials.handlers_unseen));
    finding.state = State::warning;
    finding.value = trials.stepping_refused ? "none: " + reason : reason;
    if (!trials.stepping_refused)
        finding.why =
            "without them no boundary comes in a signal's handler, nor right behind a system call (perf, "
            "stepped)";
    finding.remedy = remedy;
    return finding;
}

/// What only hosts with hardware counters have to heed.
void examine_counting(const HostFacts& facts, Findings& findings) {
    const bool counts = !facts.core_pmus.empty();
    const int watchdog = facts.nmi_watchdog.value_or(0);
    findings.push_back({.name = "NMI watchdog",
                        .state = watchdog == 0 ? State::ok
                                 : counts      ? State::warning
                                               : State::info,
                        .value = !facts.nmi_watchdog ? "not there"
                                 : watchdog != 0     ? "on"
                                                     : "off",
                        .why = "it takes a counter for itself",
                        .remedy = watchdog != 0 && counts ? "sysctl kernel.nmi_watchdog=0" : ""});
    if (facts.vendor == CpuVendor::arm) {
        const bool granted = facts.user_access.value_or(0) != 0;
        findings.push_back(
            {.name = "perf_user_access",
             .state = granted  ? State::ok
                      : counts ? State::warning
                               : State::info,
             .value = text_of(facts.user_access),
             .why = "at 1 counters are read without a system call",
             .remedy = granted || !facts.user_access ? "" : "sysctl kernel.perf_user_access=1"});
        const auto& atomics = facts.large_system_extensions;
        findings.push_back(
            {.name = "LSE atomics",
             .state = !atomics   ? State::info
                      : *atomics ? State::ok
                                 : State::warning,
             .value = !atomics   ? "unknown"
                      : *atomics ? "there"
                                 : "not there",
             .why = "failed retries of exclusive loads and stores are counted: a lock taken by them costs a "
                    "count that differs from run to run",
             .remedy = atomics && !*atomics ? "use a processor of ARMv8.1 or later for --clock perf" : ""});
    }
    if (facts.freeze_on_smi) {
        const bool frozen = *facts.freeze_on_smi != 0;
        findings.push_back({.name = "freeze_on_smi",
                            .state = frozen ? State::ok : State::warning,
                            .value = text_of(facts.freeze_on_smi),
                            .why = "at 0 the firmware's own interrupts (SMI) are counted as well",
                            .remedy = frozen ? "" : "echo 1 > /sys/devices/cpu/freeze_on_smi"});
    }
}

Finding cpus(const HostFacts& facts) {
    const auto allowed = cpus_of(facts.allowed_cpus);
    const auto online = cpus_of(facts.online_cpus);
    const auto cpuset = cpus_of(facts.cpuset);
    Finding finding{
        .name = "CPUs",
        .state = allowed.empty() ? State::info : State::ok,
        .value = allowed.empty() ? "unknown" : "may use " + format_cpus(allowed),
        .why = "a serial order runs on one of them; the library's parallel way wants one a thread"};
    if (!online.empty()) finding.value += " of " + format_cpus(online);
    const bool set_narrows = !cpuset.empty() && cpuset.size() < online.size();
    if (set_narrows)
        finding.value += fmt::format("; the cpuset has {} ({})", format_cpus(cpuset), facts.cpuset_file);
    if (allowed.size() != 1 || online.size() < 2) return finding;
    finding.state = State::info;
    if (set_narrows && cpuset.size() == 1) {
        finding.remedy = fmt::format(
            "for the parallel way: docker update --cpuset-cpus {} CONTAINER, or with "
            "systemd: systemctl set-property UNIT AllowedCPUs={}",
            format_cpus(online), format_cpus(online));
    } else {
        finding.remedy = fmt::format("for the parallel way: taskset -c {} escapement …",
                                     format_cpus(cpuset.empty() ? online : cpuset));
    }
    return finding;
}

void examine_cpus(const HostFacts& facts, Findings& findings) {
    findings.push_back(cpus(facts));
    findings.push_back(
        {.name = "SMT",
         .state = State::info,
         .value = facts.smt.value_or("unknown"),
         .why = "hardware threads of a core share its counters on some processors, and its speed; "
                "--pin auto uses one a core"});
}

void examine_process(const HostFacts& facts, const Trials& trials, Findings& findings) {
    findings.push_back({.name = "address randomization",
                        .state = trials.fixed_addresses ? State::ok : State::warning,
                        .value = trials.fixed_addresses ? "can be turned off for a program"
                                                        : "cannot be turned off: personality(2) is refused",
                        .why = "perf and stepped count differently with other addresses",
                        .remedy = trials.fixed_addresses || facts.randomize_addresses == 0
                                      ? ""
                                      : "allow personality in the container's seccomp file, or: sysctl "
                                        "kernel.randomize_va_space=0"});
    const int scope = facts.ptrace_scope.value_or(0);
    findings.push_back({.name = "ptrace_scope",
                        .state = State::info,
                        .value = text_of(facts.ptrace_scope),
                        .why =
                            "Escapement does not need ptrace; above 0 a debugger cannot attach to an ordered "
                            "program that it did not start",
                        .remedy = scope > 0 ? "to attach: sysctl kernel.yama.ptrace_scope=0" : ""});
    std::uint64_t files = 0;
    const bool unlimited = facts.open_files == "unlimited";
    const bool few = facts.open_files && !unlimited &&
                     (std::sscanf(facts.open_files->c_str(), "%18lu", &files) != 1 || files < 256);
    findings.push_back({.name = "open files",
                        .state = !facts.open_files ? State::info
                                 : few             ? State::warning
                                                   : State::ok,
                        .value = facts.open_files.value_or("unknown"),
                        .why = "each thread that is counted needs a few",
                        .remedy = few ? "ulimit -n " + facts.open_files_hard.value_or("1024") : ""});
    const bool usable = trials.preload_refused.empty();
    findings.push_back(
        {.name = "preload library",
         .state = usable ? State::ok : State::bad,
         .value = usable ? trials.preload_library : trials.preload_refused,
         .why = "`run` puts it before a program, and it orders the program's threads",
         .remedy =
             usable ? ""
                    : "cmake --install build --prefix DIRECTORY, one without spaces and colons in its path"});
}

Finding profile(const Trials& trials) {
    Finding finding{.name = "profile",
                    .state = State::ok,
                    .value = trials.profile + " fits this host",
                    .why = "it holds which counter is exact here, and the margin of its alarms",
                    .remedy = ""};
    if (!trials.profile_refused) return finding;
    finding.state = trials.profile_missing ? State::info : State::warning;
    finding.value = *trials.profile_refused;
    finding.remedy = "escapement calibrate";
    return finding;
}

}  // namespace

std::vector<Finding> examine_host(const HostFacts& facts, const Trials& trials) {
    Findings findings{kernel(facts),       hypervisor(facts),         hardware_counters(facts, trials),
                      core_types(facts),   known_pmus(facts, trials), paranoid(facts),
                      capabilities(facts), seccomp(facts, trials),    breakpoints(trials)};
    examine_counting(facts, findings);
    examine_cpus(facts, findings);
    examine_process(facts, trials, findings);
    if (!trials.profile.empty() || trials.profile_refused) findings.push_back(profile(trials));
    return findings;
}

}  // namespace escapement::command
