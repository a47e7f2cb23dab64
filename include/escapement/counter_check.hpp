#pragma once
// Self-checks of a counter before anything is built on it.
//
// Contract. Each check is one known defect of counters in the field, with one name and one typed result.
// Those that this CPU or host cannot have are not run (and say so). `check_clock` runs those that matter to a
// clock, `check_alarm` those that matter to an alarm, on the calling thread, within a few milliseconds. An
// event whose checks do not all pass (or are not applicable) must not be used.
//
// Errors: results are values; a counter that cannot be opened at all is CounterFailure.
// Thread safety: any thread; the thread must not be counting by the same alarm signal already.
// Sources: rr, src/PerfCounters.cc (which defects exist); reverie-ptrace/src/validation.rs (one typed error a
// check); design.md, section 4.

#include <escapement/event.hpp>

#include <string>
#include <vector>

namespace escapement {

enum class CheckName : std::uint8_t {
    counts,         ///< known code counts what it must, with taken and with not-taken branches
    repeats,        ///< the same code counts the same, again and again, through page faults and system calls
    pinned,         ///< it counts all the time (no end of file)
    agrees,         ///< the read in user space and read(2) agree
    period_change,  ///< a new period takes effect at once, not after the next overflow
    alarm_comes,    ///< the alarm comes at all while only user code runs
    alarm_margin,   ///< and not later than the margin
    kvm_in_transaction,           ///< Intel under KVM: a counter of in-transaction events loses counts
    xen_interrupts,               ///< Xen adds a count per interrupt
    system_management,            ///< System Management Interrupts are counted
    zen_lock_speculation,         ///< AMD Zen counts speculated locks that were rolled back (SpecLockMap)
    vmware_cpuid,                 ///< VMware loses a branch between two CPUIDs
    speculative_store_exclusive,  ///< arm64: an STXR that is speculated counts twice
};

enum class CheckResult : std::uint8_t { passed, failed, not_applicable };

struct Check {
    CheckName name = CheckName::counts;
    CheckResult result = CheckResult::not_applicable;
    std::string detail;  ///< what was expected and what was found, or why it does not apply
};

struct CheckReport {
    std::vector<Check> checks;
    Count skid = 0;  ///< check_alarm: the latest that the alarm came, counts of the clock past its target
    [[nodiscard]] bool passed() const;
    /// The first failure in one line; empty if there is none.
    [[nodiscard]] std::string failure() const;
};

const char* to_string(CheckName name);
const char* to_string(CheckResult result);

tl::expected<CheckReport, CounterFailure> check_clock(const Event& clock);
/// `margin`: counts of `clock` that the alarm may be late.
tl::expected<CheckReport, CounterFailure> check_alarm(const Event& clock, const Event& alarm, Count margin);

}  // namespace escapement
