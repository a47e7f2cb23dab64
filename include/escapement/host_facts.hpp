#pragma once
// What the host says of itself, as far as counters depend on it.
//
// Contract. `read_host_facts` gathers it from /proc and /sys, or from the same files below another directory:
// so hosts that one does not have can be described by a few files, for tests and for bug reports. What cannot
// be read is absent, never guessed.
//
// Errors: none; absent values. Thread safety: any thread.
// Sources: proc(5); kernel, Documentation/admin-guide/sysctl/kernel.rst; Documentation/ABI/testing/
// sysfs-bus-event_source-devices; CPUID leaf 0x40000000 (who is the hypervisor), x86 only.

#include <escapement/event.hpp>

#include <optional>
#include <set>

namespace escapement {

/// Counters of one type of core; several on hybrid processors.
struct CorePmu {
    std::string name;         ///< such as cpu_core, armv8_pmuv3_0
    std::uint32_t type = 0;   ///< for perf_event_attr::type
    std::set<unsigned> cpus;  ///< empty: all
};

enum class CpuVendor : std::uint8_t { other, intel, amd, arm };

struct HostFacts {
    std::optional<int> paranoid;              ///< kernel.perf_event_paranoid; absent without perf_event
    std::optional<int> nmi_watchdog;          ///< kernel.nmi_watchdog
    std::optional<int> lockable_kib;          ///< kernel.perf_event_mlock_kb
    std::optional<int> user_access;           ///< kernel.perf_user_access (arm64)
    std::optional<int> freeze_on_smi;         ///< /sys/devices/cpu/freeze_on_smi (Intel)
    std::optional<int> seccomp;               ///< 2: a filter is in force
    std::optional<std::uint64_t> privileges;  ///< effective capabilities, a bit each
    std::optional<std::string> open_files;    ///< soft limit, as /proc/self/limits has it
    std::optional<std::string> open_files_hard;
    CpuVendor vendor = CpuVendor::other;
    unsigned family = 0;   ///< x86; arm64: the implementer
    unsigned model = 0;    ///< x86; arm64: the part
    std::string cpu_name;  ///< for people
    bool virtual_machine = false;
    std::string hypervisor;  ///< KVM, Xen, VMware, …; empty if unknown
    std::vector<CorePmu> core_pmus;
    std::optional<std::string> kernel;            ///< release, as uname(2) has it
    std::optional<int> ptrace_scope;              ///< kernel.yama.ptrace_scope; absent without Yama
    std::optional<int> randomize_addresses;       ///< kernel.randomize_va_space
    std::optional<std::string> smt;               ///< on, off, forceoff, notsupported, notimplemented
    std::optional<std::string> online_cpus;       ///< such as 0-3,8
    std::optional<std::string> allowed_cpus;      ///< affinity within the cpuset, likewise
    std::optional<std::string> cpuset;            ///< CPUs of the control group's cpuset, likewise
    std::string cpuset_file;                      ///< where that was read
    std::optional<bool> large_system_extensions;  ///< arm64: atomic instructions (LSE); absent elsewhere

    /// True if the thread may count what it likes in user mode.
    [[nodiscard]] bool may_count() const;
    /// Null if there is none.
    [[nodiscard]] const CorePmu* pmu_of_cpu(unsigned cpu) const;
};

HostFacts read_host_facts(const std::string& root = "/");

/// What libpfm4 takes this CPU's PMUs for, by its short names, such as "skl"; empty if it knows none of them.
std::vector<std::string> known_core_pmus();

/// As `explain` in event.hpp, on a host such as `facts` tell of; `cpu` is where the thread runs.
std::string explain(const CounterFailure& failure, const Event& event, const HostFacts& facts, unsigned cpu);
/// As `clock_candidates` in event.hpp, for a thread on `cpu`.
std::vector<Event> clock_candidates(const HostFacts& facts, unsigned cpu);
/// As `alarm_candidates` in event.hpp.
std::vector<Event> alarm_candidates(const Event& clock, const HostFacts& facts, unsigned cpu);
/// As `find_event` in event.hpp.
tl::expected<Event, std::string> find_event(const std::string& name, const HostFacts& facts, unsigned cpu);

}  // namespace escapement
