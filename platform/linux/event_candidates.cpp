// Which events may serve as a clock, and which as its alarm.
//
// On x86 processors retired instructions are no clock: interrupts and page faults add to them. Retired
// conditional branches are, on Intel's and AMD's Zen. On arm64 retired instructions are the better clock:
// retired branches are only those taken on some cores, and some count barriers too.
//
// Codes that processors agree on stand here besides the names, for those that libpfm4 does not know.
// Sources: Intel SDM 3B, chapter 20, and perfmon-events.intel.com (BR_INST_RETIRED.COND); AMD PPR for family
// 17h and later, PMCx0D1; Arm ARM, D11 (common events); rr, src/PerfCounters.cc (which are fit).

#include <escapement/host_facts.hpp>

#include <linux/perf_event.h>

#include <algorithm>
#include <span>
#include <utility>

namespace escapement {

namespace {

struct Candidate {
    CpuVendor vendor;
    unsigned from_family;
    const char* pmu;  ///< of a hybrid processor; empty: of any
    const char* name;
    const char* raw;  ///< if libpfm4 does not know the name; empty: none
};

constexpr Candidate clocks[] = {
    {CpuVendor::intel, 6, "", "BR_INST_RETIRED:CONDITIONAL", ""},  // until Comet Lake
    {CpuVendor::intel, 6, "cpu_atom", "BR_INST_RETIRED:COND", "r7ec4"},
    {CpuVendor::intel, 6, "cpu_lowpower", "BR_INST_RETIRED:COND", "r7ec4"},
    {CpuVendor::intel, 6, "", "BR_INST_RETIRED:JCC", ""},        // Silvermont
    {CpuVendor::intel, 6, "", "BR_INST_RETIRED:COND", "r11c4"},  // since Ice Lake
    {CpuVendor::amd, 0x17, "", "RETIRED_CONDITIONAL_BRANCH_INSTRUCTIONS", "rd1"},
    {CpuVendor::arm, 0, "", "INST_RETIRED", "r08"},
    {CpuVendor::arm, 0, "", "BR_RETIRED", "r21"},
};

constexpr Candidate alarms[] = {
    // An instruction is at least as frequent as a branch, so it comes early rather than late.
    {CpuVendor::intel, 6, "", "PERF_COUNT_HW_INSTRUCTIONS", "0:1"},
    {CpuVendor::amd, 0x17, "", "PERF_COUNT_HW_INSTRUCTIONS", "0:1"},
    {CpuVendor::arm, 0, "", "CPU_CYCLES", "r11"},
};

void add(std::vector<Event>& events, Event event) {
    const auto same = [&](const Event& other) { return other.code == event.code; };
    if (std::none_of(events.begin(), events.end(), same)) events.push_back(std::move(event));
}

/// By name if libpfm4 knows any of them on this processor, else by code.
void append(std::vector<Event>& events, std::span<const Candidate> candidates, const HostFacts& facts,
            unsigned cpu) {
    const CorePmu* const pmu = facts.pmu_of_cpu(cpu);
    const auto fits = [&](const Candidate& candidate) {
        return candidate.vendor == facts.vendor && facts.family >= candidate.from_family &&
               (*candidate.pmu == '\0' || (pmu != nullptr && pmu->name == candidate.pmu));
    };
    bool known = false;
    for (const Candidate& candidate : candidates) {
        if (!fits(candidate)) continue;
        const auto event = find_event(candidate.name, facts, cpu);
        if (!event) continue;
        known = true;
        add(events, *event);
    }
    for (const Candidate& candidate : candidates) {
        if (known || !fits(candidate) || *candidate.raw == '\0') continue;
        auto event = find_event(candidate.raw, facts, cpu);
        if (!event) continue;
        event->name = std::string(candidate.name) + " (" + candidate.raw + ')';
        add(events, *event);
    }
}

}  // namespace

std::vector<Event> clock_candidates(const HostFacts& facts, unsigned cpu) {
    std::vector<Event> events;
    append(events, clocks, facts, cpu);
    return events;
}

std::vector<Event> alarm_candidates(const Event& clock, const HostFacts& facts, unsigned cpu) {
    std::vector<Event> events{clock};
    append(events, alarms, facts, cpu);
    return events;
}

}  // namespace escapement
