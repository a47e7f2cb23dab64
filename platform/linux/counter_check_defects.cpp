// Defects of certain processors and hypervisors. Sources: rr, src/PerfCounters_x86.h (KVM, Xen, system
// management, SpecLockMap), src/PerfCounters.cc; https://github.com/rr-debugger/rr/wiki/Zen.
#include "counter_checks.hpp"
#include "inside/perf_event.hpp"

namespace escapement {

namespace {

constexpr std::uint64_t in_transaction_checkpoint = std::uint64_t{1} << 33U;

Check only_on(CheckName name, const char* where) {
    return not_applicable(name, std::string("only on ") + where);
}

/// Of what the event counts, as much as it should in `code`.
Check compared(CheckName name, const CheckBench& bench, const KnownCode& code, int times) {
    std::string counted;
    const CountedKind* const kind = kind_counted(bench, counted);
    if (kind == nullptr) return not_applicable(name, "it is not known what it counts");
    for (int time = 0; time < times; ++time) {
        if (!counts_as(*kind, bench, code, counted)) return failed(name, "it counted " + counted);
    }
    return passed(name, "it counted " + counted);
}

}  // namespace

Check check_kvm_in_transaction(const CheckBench& bench) {
    constexpr CheckName name = CheckName::kvm_in_transaction;
    if (bench.facts.vendor != CpuVendor::intel || bench.facts.hypervisor != "KVM") {
        return only_on(name, "Intel under KVM");
    }
    if ((bench.event.code.config & in_transaction_checkpoint) == 0) {
        return not_applicable(name, "it counts in and out of transactions");
    }
    return compared(name, bench, known_code().front(), 8);
}

// It counts itself while it overflows: the excess is one for each overflow.
Check check_xen_interrupts(const CheckBench& bench) {
    constexpr CheckName name = CheckName::xen_interrupts;
    if (bench.facts.hypervisor != "Xen") return only_on(name, "Xen");
    std::string counted;
    const CountedKind* const kind = kind_counted(bench, counted);
    if (kind == nullptr) return not_applicable(name, "it is not known what it counts");
    perf_event_attr attributes = attributes_of(bench.event.code);
    attributes.sample_period = 1000;
    const auto descriptor = open_event(attributes, false);
    if (!descriptor) return failed(name, explain(descriptor.error(), bench.event));
    const KnownCode& code = known_code()[1];
    constexpr Count times[] = {1, 50'001};
    Count counts[2] = {};
    for (int which = 0; which < 2; ++which) {
        const auto before = read_event(*descriptor);
        code.run(times[which]);
        const auto after = read_event(*descriptor);
        counts[which] = before && after ? after->value - before->value : 0;
    }
    close_event(*descriptor);
    const std::int64_t expected = kind->of(counts_of(code, times[1])) - kind->of(counts_of(code, times[0]));
    const auto found = static_cast<std::int64_t>(counts[1] - counts[0]);
    const std::string text = std::to_string(found) + " for " + std::to_string(expected) + ' ' + kind->name +
                             " with an interrupt a "
                             "thousand";
    return found == expected ? passed(name, text) : failed(name, "it counted " + text);
}

Check check_system_management(const CheckBench& bench) {
    constexpr CheckName name = CheckName::system_management;
    if (bench.facts.vendor != CpuVendor::intel) return only_on(name, "Intel");
    if (!bench.facts.freeze_on_smi)
        return not_applicable(name, "this host has no /sys/devices/cpu/freeze_on_smi");
    if (*bench.facts.freeze_on_smi == 0) {
        return failed(
            name, "System Management Interrupts are counted; run: echo 1 > /sys/devices/cpu/freeze_on_smi");
    }
    return passed(name, "counters stand still during System Management Interrupts");
}

Check check_zen_lock_speculation(const CheckBench& bench) {
    constexpr CheckName name = CheckName::zen_lock_speculation;
    if (bench.facts.vendor != CpuVendor::amd || bench.facts.family < 0x17) return only_on(name, "AMD Zen");
    const Event speculated{.name = "SpecLockMap commits (r825)",
                           .code = {.type = PERF_TYPE_RAW, .config = 0x0825}};
    const auto counter = Counter::open(speculated.code);
    if (!counter) return failed(name, "it cannot be told: " + explain(counter.error(), speculated));
    const auto before = counter->read();
    for (const KnownCode& code : known_code())
        code.run(1000);
    const auto after = counter->read();
    if (!before || !after) return failed(name, "it cannot be told: SpecLockMap commits cannot be read");
    if (*after == *before) return passed(name, "SpecLockMap is off");
    return failed(
        name,
        "SpecLockMap is on, which counts speculated locks that were rolled back; turn it off: bit 54 of "
        "MSR 0xc0011020, see https://github.com/rr-debugger/rr/wiki/Zen");
}

Check check_vmware_cpuid(const CheckBench& bench) {
    constexpr CheckName name = CheckName::vmware_cpuid;
    const KnownCode* const code = known_code_between_cpuids();
    if (code == nullptr || bench.facts.hypervisor != "VMware") return only_on(name, "VMware");
    Check check = compared(name, bench, *code, 1);
    if (check.result == CheckResult::failed) {
        check.detail += "; set monitor_control.disable_hvsim_clusters = \"true\" for this virtual machine";
    }
    return check;
}

Check check_speculative_store_exclusive(const CheckBench& bench) {
    constexpr CheckName name = CheckName::speculative_store_exclusive;
    for (const KnownCode& code : known_code()) {
        if (code.again != KnownCounts{} && code.available()) return compared(name, bench, code, 32);
    }
    return only_on(name, "processors with exclusive loads and stores");
}

}  // namespace escapement
