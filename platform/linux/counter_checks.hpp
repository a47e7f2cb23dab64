#pragma once
// The self-checks of counter_check.hpp, one function each; see there for what they are about.

#include <escapement/counter_check.hpp>
#include <escapement/host_facts.hpp>
#include <escapement/known_code.hpp>

namespace escapement {

/// What all checks of one event need.
struct CheckBench {
    const Event& event;
    const Counter& counter;
    const HostFacts& facts;
};

Check passed(CheckName name, std::string detail);
Check failed(CheckName name, std::string detail);
Check not_applicable(CheckName name, std::string detail);

/// What `code` counts for n iterations between two reads that took one try each, what lies around it
/// included.
struct Measured {
    Count count = 0;
    Count again = 0;  ///< what code.run returned
};
tl::expected<Measured, CounterFailure> measure(const Counter& counter, const KnownCode& code, Count n);

/// What an event may be counting.
struct CountedKind {
    const char* name;
    std::int64_t (*of)(const KnownCounts& counts);
};
/// Whether 1,000 iterations of `code` count what they must for the kind; `counted` gets what they did count.
bool counts_as(const CountedKind& kind, const CheckBench& bench, const KnownCode& code, std::string& counted);
/// The kind that the event counts as the codes in `known_code` show it that never begin again; null if none.
const CountedKind* kind_counted(const CheckBench& bench, std::string& why);

Check check_counts(const CheckBench& bench);
Check check_repeats(const CheckBench& bench);
Check check_pinned(const CheckBench& bench);
Check check_agrees(const CheckBench& bench);

Check check_kvm_in_transaction(const CheckBench& bench);
Check check_xen_interrupts(const CheckBench& bench);
Check check_system_management(const CheckBench& bench);
Check check_zen_lock_speculation(const CheckBench& bench);
Check check_vmware_cpuid(const CheckBench& bench);
Check check_speculative_store_exclusive(const CheckBench& bench);

}  // namespace escapement
