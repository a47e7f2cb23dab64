#include "counter_checks.hpp"

#include <sched.h>

namespace escapement {

namespace {

constexpr Check (*clock_checks[])(const CheckBench&) = {
    check_counts,
    check_repeats,
    check_pinned,
    check_agrees,
    check_kvm_in_transaction,
    check_xen_interrupts,
    check_system_management,
    check_zen_lock_speculation,
    check_vmware_cpuid,
    check_speculative_store_exclusive,
};

}  // namespace

const char* to_string(CheckName name) {
    switch (name) {
        case CheckName::counts:
            return "counts";
        case CheckName::repeats:
            return "repeats";
        case CheckName::pinned:
            return "pinned";
        case CheckName::agrees:
            return "agrees";
        case CheckName::period_change:
            return "period change";
        case CheckName::alarm_comes:
            return "alarm comes";
        case CheckName::alarm_margin:
            return "alarm margin";
        case CheckName::kvm_in_transaction:
            return "KVM in transaction";
        case CheckName::xen_interrupts:
            return "Xen interrupts";
        case CheckName::system_management:
            return "system management";
        case CheckName::zen_lock_speculation:
            return "Zen lock speculation";
        case CheckName::vmware_cpuid:
            return "VMware CPUID";
        case CheckName::speculative_store_exclusive:
            return "speculative store exclusive";
    }
    return "unknown";
}

const char* to_string(CheckResult result) {
    switch (result) {
        case CheckResult::passed:
            return "passed";
        case CheckResult::failed:
            return "failed";
        case CheckResult::not_applicable:
            return "not applicable";
    }
    return "unknown";
}

Check passed(CheckName name, std::string detail) {
    return {.name = name, .result = CheckResult::passed, .detail = std::move(detail)};
}

Check failed(CheckName name, std::string detail) {
    return {.name = name, .result = CheckResult::failed, .detail = std::move(detail)};
}

Check not_applicable(CheckName name, std::string detail) {
    return {.name = name, .result = CheckResult::not_applicable, .detail = std::move(detail)};
}

bool CheckReport::passed() const {
    return failure().empty();
}

std::string CheckReport::failure() const {
    for (const Check& check : checks) {
        if (check.result == CheckResult::failed)
            return std::string(to_string(check.name)) + ": " + check.detail;
    }
    return checks.empty() ? "nothing was checked" : "";
}

tl::expected<CheckReport, CounterFailure> check_clock(const Event& clock) {
    const auto counter = Counter::open(clock.code);
    if (!counter) return tl::unexpected(counter.error());
    const HostFacts facts = read_host_facts();
    CheckReport report;
    for (const auto check : clock_checks)
        report.checks.push_back(check({.event = clock, .counter = *counter, .facts = facts}));
    return report;
}

}  // namespace escapement
