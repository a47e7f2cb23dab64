#include <escapement/host_facts.hpp>
#include <escapement/placement.hpp>

#include <sched.h>

#include <cerrno>
#include <cstring>

namespace escapement {

namespace {

std::string in_words(int error) {
    const char* const name = strerrorname_np(error);
    return name == nullptr ? std::to_string(error) : name;
}

std::string of(const std::optional<int>& value) {
    return value ? std::to_string(*value) : "unknown";
}

bool filtered(const HostFacts& facts) {
    return facts.seccomp.value_or(0) == 2;
}

std::string no_support(const HostFacts& facts) {
    if (filtered(facts)) {
        return "a seccomp filter answers for the kernel that it has no perf_event_open; in a container, "
               "start it with --cap-add=PERFMON, or with --security-opt seccomp=FILE and a FILE that allows "
               "perf_event_open";
    }
    return "this kernel has no perf_event_open: it needs one with CONFIG_PERF_EVENTS";
}

std::string no_pmu(const HostFacts& facts) {
    if (!facts.virtual_machine) {
        return "there are no hardware counters: the kernel has no driver for the counters of " +
               facts.cpu_name + ", or the firmware has turned them off";
    }
    const std::string whose = facts.hypervisor.empty() ? "" : " (" + facts.hypervisor + ')';
    std::string remedy = "turn its virtual PMU on, or run on the bare machine";
    if (facts.hypervisor == "KVM" || facts.hypervisor == "QEMU") {
        remedy =
            "on the host, start it with -cpu host,pmu=on (libvirt: <pmu state='on'/>) and kvm.enable_pmu=1";
    } else if (facts.hypervisor == "VMware") {
        remedy = "set vpmc.enable = \"TRUE\" for it";
    } else if (facts.hypervisor == "Xen") {
        remedy = "start Xen with vpmu=on";
    } else if (facts.hypervisor == "EC2") {
        remedy = "take an instance that fills a whole socket, or a .metal one";
    } else if (facts.hypervisor == "Hyper-V") {
        remedy = "on the host: Set-VMProcessor NAME -Perfmon @(\"pmu\")";
    }
    return "there are no hardware counters: this virtual machine" + whose + " shows none; " + remedy;
}

std::string paranoid(const HostFacts& facts) {
    if (facts.may_count() || !facts.paranoid) {
        return "a security module (SELinux, AppArmor, Smack) forbids perf_event_open: "
               "kernel.perf_event_paranoid is " +
               of(facts.paranoid) + ", which would allow it; see the audit log: ausearch -m avc";
    }
    return "kernel.perf_event_paranoid is " + of(facts.paranoid) +
           ", and this process has no CAP_PERFMON; run: sysctl kernel.perf_event_paranoid=2";
}

std::string forbidden(const HostFacts& facts) {
    const bool privileged = (facts.privileges.value_or(0) >> 38U & 1U) != 0;
    if (filtered(facts)) {
        return std::string("a seccomp filter forbids perf_event_open") +
               (privileged ? "" : ", and this process has no CAP_PERFMON") +
               "; in a container, start it with --cap-add=PERFMON, or with --security-opt seccomp=FILE and a "
               "FILE that allows perf_event_open";
    }
    return std::string("the kernel or a security module forbids it") +
           (privileged ? "" : ", and this process has no CAP_PERFMON: run it with that capability");
}

std::string others(const HostFacts& facts) {
    if (facts.nmi_watchdog.value_or(0) != 0) {
        return "the NMI watchdog has one (kernel.nmi_watchdog is " + of(facts.nmi_watchdog) +
               "); run: sysctl kernel.nmi_watchdog=0, and end other users of counters, such as perf";
    }
    return "end other users of counters, such as perf or a virtual machine with a PMU, or count fewer events "
           "at a time";
}

std::string too_many_files(const HostFacts& facts, int error) {
    if (error == ENFILE) return "the host has as many files open as it may; raise the sysctl fs.file-max";
    return "this process has as many files open as it may: ulimit -n is " +
           facts.open_files.value_or("unknown") + " (at most " + facts.open_files_hard.value_or("unknown") +
           "); raise it, as with: ulimit -n " + facts.open_files_hard.value_or("65536");
}

std::string wrong_core_type(const Event& event, const HostFacts& facts, unsigned cpu) {
    std::string text = "the thread runs on CPU " + std::to_string(cpu);
    for (const CorePmu& pmu : facts.core_pmus) {
        if (pmu.type != event.code.type || pmu.cpus.empty()) continue;
        const std::string cpus = format_cpus(pmu.cpus);
        text.insert(0, "it is an event of " + pmu.name + " (CPUs " + cpus + "), but ");
        if (pmu.cpus.contains(cpu)) {
            text += " now and was on one of another type";
        } else if (const CorePmu* const own = facts.pmu_of_cpu(cpu); own != nullptr) {
            text += ", which has ";
            text += own->name;
        }
        text += "; keep it there: taskset -c ";
        text += cpus;
        return text;
    }
    return text + ", whose counters do not count it; keep it on cores of one type with taskset -c";
}

std::string never_met(const HostFacts& facts) {
    const std::string whose = facts.hypervisor.empty() ? "" : " (" + facts.hypervisor + ')';
    return "breakpoints can be set, and are never met: this virtual machine" + whose +
           " does not pass the processor's debug registers on; run on another kind, or on the bare machine";
}

std::string no_memory(const HostFacts& facts, int error) {
    if (error != EPERM && error != EAGAIN) return "the kernel has no memory for it (" + in_words(error) + ")";
    return "the kernel's page for it cannot be locked: kernel.perf_event_mlock_kb is " +
           of(facts.lockable_kib) + " and used up; run: sysctl kernel.perf_event_mlock_kb=" +
           std::to_string(4 * facts.lockable_kib.value_or(516)) + ", or raise ulimit -l";
}

std::string reason(const CounterFailure& failure, const Event& event, const HostFacts& facts, unsigned cpu) {
    switch (failure.refusal) {
        case Refusal::no_support:
            return no_support(facts);
        case Refusal::no_pmu:
            return no_pmu(facts);
        case Refusal::unknown_event:
            return "the counters of " + facts.cpu_name + " do not have it (" + in_words(failure.error) +
                   "); see perf list";
        case Refusal::paranoid:
            return paranoid(facts);
        case Refusal::forbidden:
            return forbidden(facts);
        case Refusal::taken:
            return "all counters that could count it are taken (" + in_words(failure.error) +
                   "): " + others(facts);
        case Refusal::too_many_files:
            return too_many_files(facts, failure.error);
        case Refusal::multiplexed:
            return "no counter is free for it all the time (it reads end of file): " + others(facts);
        case Refusal::wrong_core_type:
            return wrong_core_type(event, facts, cpu);
        case Refusal::no_memory:
            return no_memory(facts, failure.error);
        case Refusal::never_met:
            return never_met(facts);
        case Refusal::other:
            break;
    }
    return failure.error == 0 ? "for a reason that the kernel does not tell"
                              : in_words(failure.error) + ", " + std::strerror(failure.error);
}

}  // namespace

std::string explain(const CounterFailure& failure, const Event& event, const HostFacts& facts, unsigned cpu) {
    return (event.name.empty() ? "the event" : event.name) +
           " cannot be counted: " + reason(failure, event, facts, cpu);
}

std::string explain(const CounterFailure& failure, const Event& event) {
    const int cpu = sched_getcpu();
    return explain(failure, event, read_host_facts(), cpu < 0 ? 0 : static_cast<unsigned>(cpu));
}

}  // namespace escapement
