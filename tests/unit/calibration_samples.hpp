#pragma once
// Profiles of hosts that one does not have, as calibration might have made them.

#include <escapement/profile.hpp>

#include <algorithm>
#include <bit>
#include <string>
#include <utility>
#include <vector>

namespace calibration_samples {

using namespace escapement;

inline Figure figure(double value, double low, double high, const std::string& unit, std::uint64_t n = 200,
                     Figure::Spread spread = Figure::Spread::percentiles) {
    return {.value = value, .low = low, .high = high, .n = n, .unit = unit, .spread = spread};
}

inline Figure slope(double value, double low, double high) {
    return figure(value, low, high, "counts/occurrence", 64, Figure::Spread::confidence);
}

/// Skids as (skid, how many alarms had it), in rising order.
inline SkidFinding skids(const std::string& alarm, Count period,
                         const std::vector<std::pair<Count, std::uint64_t>>& seen, std::uint64_t lost = 0) {
    SkidFinding finding;
    finding.alarm = alarm;
    finding.period = period;
    finding.lost = lost;
    std::uint64_t came = 0;
    for (const auto& [skid, times] : seen) {
        const auto bucket = static_cast<std::size_t>(std::bit_width(skid));
        finding.histogram.resize(std::max(finding.histogram.size(), bucket + 1));
        finding.histogram[bucket] += times;
        came += times;
        finding.most = skid;
        finding.largest.insert(finding.largest.begin(), std::min<std::uint64_t>(times, SkidFinding::kept),
                               skid);
    }
    finding.largest.resize(std::min(finding.largest.size(), SkidFinding::kept));
    finding.n = came + lost;
    const auto percentile = [&](double part) {
        std::uint64_t below = 0;
        for (const auto& [skid, times] : seen) {
            below += times;
            if (static_cast<double>(below) >= part * static_cast<double>(came)) return skid;
        }
        return finding.most;
    };
    finding.p50 = percentile(0.5);
    finding.p90 = percentile(0.9);
    finding.p99 = percentile(0.99);
    finding.p9999 = percentile(0.9999);
    finding.latency = figure(1900, 1500, 4200, "ns", came);
    return finding;
}

inline std::vector<CodeFinding> codes(std::int64_t most) {
    return {{"straight", 40, 0, most},         {"taken branches", 40, 0, most},
            {"not-taken branches", 40, 0, 0},  {"calls and returns", 40, 0, most},
            {"locked instructions", 40, 0, 0}, {"repeated string instructions", 40, 0, most},
            {"denormal numbers", 40, 0, most}, {"vectors of 512 bits", 0, 0, 0}};
}

inline std::vector<OvercountFinding> overcounts(double fault, double interrupt) {
    const auto around = [](double value) {
        return value == 0 ? slope(0, 0, 0) : slope(value, value * 0.97, value * 1.03);
    };
    return {{"page fault", around(fault)},
            {"timer interrupt", around(interrupt)},
            {"system call", around(0)},
            {"signal", around(0)},
            {"context switch", around(interrupt)},
            {"migration", around(interrupt)}};
}

/// `slower`: what a busy host does to times.
inline LoadFinding load(const std::string& name, double slower, double fault, double interrupt,
                        std::vector<SkidFinding> alarms) {
    LoadFinding finding;
    finding.load = name;
    finding.codes = codes(fault == 0 ? 0 : 14);
    finding.overcounts = overcounts(fault, interrupt);
    finding.skids = std::move(alarms);
    finding.read_in_user_space = figure(9.6 * slower, 9.1 * slower, 12.4 * slower, "ns");
    finding.read_by_call = figure(245 * slower, 231 * slower, 402 * slower, "ns");
    finding.read_from_elsewhere = figure(612 * slower, 575 * slower, 1410 * slower, "ns");
    finding.read_counts = figure(2, 2, 2, "counts");
    finding.rate =
        figure(0.93 / slower, 0.90 / slower, 0.95 / slower, "counts/ns", 30, Figure::Spread::confidence);
    return finding;
}

inline EventFinding event(const std::string& name, std::uint64_t config, std::vector<LoadFinding> loads) {
    EventFinding finding;
    finding.name = name;
    finding.code = EventCode{.type = 4, .config = config};
    finding.counts = "conditional branches";
    finding.at_once = 6;
    finding.multiplexing = "opened, but it reads end of file";
    finding.least_period = 32;
    finding.loads = std::move(loads);
    return finding;
}

inline HostCosts costs() {
    HostCosts all;
    all.trap_flag_step = figure(640, 610, 1200, "ns");
    all.breakpoint_step = figure(1450, 1390, 2300, "ns");
    all.signal = figure(880, 850, 1500, "ns");
    all.ordered_operation = figure(61, 58, 94, "ns");
    all.timer_lateness = figure(2.1e6, 3e5, 4.0e6, "ns", 40);
    return all;
}

/// A core type whose conditional branches are a clock without fault, woken by instructions.
inline CoreProfile branch_core(const std::string& type, std::vector<unsigned> cpus,
                               const std::string& branches, Count margin,
                               const std::vector<std::pair<Count, std::uint64_t>>& idle,
                               const std::vector<std::pair<Count, std::uint64_t>>& loaded) {
    CoreProfile core;
    core.core_type = type;
    core.cpus = std::move(cpus);
    const std::string instructions = "PERF_COUNT_HW_INSTRUCTIONS";
    auto half = idle;  // by the branches themselves, alarms come a little later
    for (auto& each : half)
        each.first *= 2;
    core.events.push_back(
        event(branches, 0x11c4,
              {load("idle", 1, 0, 0, {skids(branches, 10'000, half, 3), skids(instructions, 10'000, idle)}),
               load("loaded", 1.7, 0, 0, {skids(instructions, 10'000, loaded)})}));
    core.events.push_back(
        event(instructions, 1, {load("idle", 1, 1.02, 1, {}), load("loaded", 1.8, 1.04, 1, {})}));
    core.events.back().code.type = 0;
    core.events.back().counts = "instructions";
    core.events.back().failed = "repeats: counted 1000012, 1000014 and 1000013 for the same code";
    core.costs = costs();
    core.verdict.fitness = Verdict::Fitness::boundaries;
    core.verdict.clock = Event{.name = branches, .code = core.events[0].code};
    core.verdict.alarm = Event{.name = instructions, .code = core.events[1].code};
    core.verdict.margin = margin;
    core.verdict.reasons = {branches + " deviated by 0 counts from 280 known counts, idle and loaded",
                            "nothing that was provoked added to it: page faults, timer interrupts, system "
                            "calls, signals, context switches, "
                            "migrations",
                            "of its alarms none was lost and none came later than " +
                                std::to_string(core.events[0].loads[1].skids[0].most) +
                                " counts; the margin is twice that, in the next power of two"};
    core.verdict.advice = {"kernel.nmi_watchdog takes a counter: sysctl kernel.nmi_watchdog=0"};
    return core;
}

inline Profile intel() {
    Profile profile;
    profile.created = "2026-01-31T12:00:00Z";
    profile.effort = "default";
    profile.host = {.architecture = "x86_64",
                    .cpu = "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
                    .cpu_identity = "GenuineIntel 6/106/6",
                    .microcode = "0xd0003b9",
                    .kernel = "6.1.0-18-amd64",
                    .hypervisor = "",
                    .core_types = {"cpu"}};
    profile.cores.push_back(branch_core("cpu", {0, 1, 2, 3, 4, 5, 6, 7}, "BR_INST_RETIRED:COND", 256,
                                        {{0, 4}, {2, 31}, {7, 404}, {14, 1400}, {30, 140}, {61, 21}},
                                        {{0, 3}, {5, 88}, {14, 1180}, {30, 590}, {61, 130}, {104, 9}}));
    return profile;
}

/// A processor of two core types, one of which has a counter that only orders.
inline Profile hybrid() {
    Profile profile = intel();
    profile.host.cpu = "13th Gen Intel(R) Core(TM) i7-1370P";
    profile.host.cpu_identity = "GenuineIntel 6/186/2";
    profile.host.core_types = {"cpu_core", "cpu_atom"};
    profile.cores.front().core_type = "cpu_core";
    profile.cores.push_back(branch_core("cpu_atom", {12, 13, 14, 15, 16, 17, 18, 19},
                                        "BR_INST_RETIRED:COND (r7ec4)", 0, {{9, 900}, {70, 100}},
                                        {{9, 700}, {70, 280}, {300, 20}}));
    CoreProfile& atom = profile.cores.back();
    for (LoadFinding& each : atom.events[0].loads) {
        for (SkidFinding& skid : each.skids) {
            skid.lost += 20;
            skid.n += 20;
        }
    }
    atom.verdict.fitness = Verdict::Fitness::order;
    atom.verdict.alarm.reset();
    atom.verdict.reasons = {
        "BR_INST_RETIRED:COND (r7ec4) counts exactly, but each of its alarms was lost now and then"};
    atom.verdict.advice.clear();
    return profile;
}

/// Alarms with a long tail.
inline Profile amd() {
    Profile profile;
    profile.created = "2026-02-01T08:30:00Z";
    profile.effort = "thorough";
    profile.host = {.architecture = "x86_64",
                    .cpu = "AMD EPYC 9654 96-Core Processor",
                    .cpu_identity = "AuthenticAMD 25/17/1",
                    .microcode = "0xa101144",
                    .kernel = "6.8.0-45-generic",
                    .hypervisor = "",
                    .core_types = {"cpu"}};
    profile.cores.push_back(
        branch_core("cpu", {0, 1, 2, 3}, "RETIRED_CONDITIONAL_BRANCH_INSTRUCTIONS", 20480,
                    {{12, 300}, {110, 9000}, {420, 42000}, {900, 6100}, {2100, 310}, {7300, 4}},
                    {{12, 210}, {110, 7600}, {420, 39000}, {900, 8100}, {2100, 900}, {5200, 31}, {9840, 2}}));
    profile.cores.front().verdict.advice = {
        "SpecLockMap makes the count wrong with locked instructions: switch it off in MSR 0xc0011020, bit 54 "
        "(`zen_workaround.py`)",
        "kernel.perf_event_paranoid is 4: sysctl kernel.perf_event_paranoid=2"};
    return profile;
}

inline Profile arm() {
    Profile profile;
    profile.created = "2026-02-02T17:45:10Z";
    profile.effort = "quick";
    profile.host = {.architecture = "aarch64",
                    .cpu = "ARM Neoverse-N1",
                    .cpu_identity = "0x41/0xd0c/0x3/1",
                    .microcode = "",
                    .kernel = "6.1.0-18-cloud-arm64",
                    .hypervisor = "KVM",
                    .core_types = {"armv8_pmuv3_0"}};
    CoreProfile core =
        branch_core("armv8_pmuv3_0", {0}, "INST_RETIRED", 64, {{0, 496}, {3, 4}}, {{0, 480}, {3, 20}});
    core.events[1].name = "CPU_CYCLES";
    for (LoadFinding& each : core.events[0].loads) {
        for (SkidFinding& skid : each.skids)
            if (skid.alarm != "INST_RETIRED") skid.alarm = "CPU_CYCLES";
        each.codes.push_back({"store exclusive", 40, 0, 0});
    }
    core.verdict.alarm->name = "CPU_CYCLES";
    core.costs.trap_flag_step = {};
    EventFinding dead;
    dead.name = "BR_RETIRED";
    dead.code = EventCode{.type = 8, .config = 0x21};
    dead.failed = "counts: counted 0 for 1000 taken branches";
    core.events.push_back(dead);
    core.verdict.advice.clear();
    profile.cores.push_back(core);
    return profile;
}

/// A virtual machine without counters.
inline Profile without_pmu() {
    Profile profile;
    profile.created = "2026-02-03T00:00:01Z";
    profile.effort = "quick";
    profile.host = {.architecture = "x86_64",
                    .cpu = "Intel Xeon Processor (Skylake, IBRS)",
                    .cpu_identity = "GenuineIntel 6/85/4",
                    .microcode = "0x1",
                    .kernel = "6.1.0-18-cloud-amd64",
                    .hypervisor = "KVM",
                    .core_types = {}};
    CoreProfile core;
    core.core_type = "cpu";
    core.cpus = {0, 1};
    EventFinding refused;
    refused.name = "BR_INST_RETIRED:CONDITIONAL";
    refused.code = EventCode{.type = 4, .config = 0x1c4};
    refused.refusal =
        "this virtual machine (KVM) has no hardware counters: give it a virtual PMU, with QEMU by -cpu "
        "host,pmu=on";
    core.events.push_back(refused);
    core.costs = costs();
    core.costs.trap_flag_step = figure(11800, 10900, 17200, "ns");
    core.verdict.fallback = "operations";
    core.verdict.reasons = {"BR_INST_RETIRED:CONDITIONAL cannot be counted: " + refused.refusal};
    core.verdict.advice = {"give the virtual machine a PMU, with QEMU by -cpu host,pmu=on"};
    profile.cores.push_back(core);
    return profile;
}

/// Every text that a host or a file may have had a hand in is an attack.
inline Profile hostile() {
    const std::string attack = "<script src=\"http://evil.example/x.js\">alert('&')</script>\x1b[31m\x01\xff";
    Profile profile = intel();
    profile.effort = "quick";
    Fingerprint& host = profile.host;
    for (std::string* text :
         {&host.architecture, &host.cpu, &host.cpu_identity, &host.microcode, &host.kernel, &host.hypervisor})
        *text = attack;
    host.core_types = {attack};
    CoreProfile& core = profile.cores.front();
    core.core_type = attack;
    for (EventFinding& each : core.events) {
        for (std::string* text : {&each.name, &each.counts, &each.failed, &each.multiplexing})
            *text = attack;
        for (LoadFinding& one : each.loads) {
            one.load = attack;
            one.rate.unit = attack;
            for (CodeFinding& code : one.codes)
                code.code = attack;
            for (OvercountFinding& cause : one.overcounts)
                cause.cause = attack;
            for (SkidFinding& skid : one.skids)
                skid.alarm = attack;
        }
    }
    core.events.emplace_back();
    core.events.back().name = attack + "2";
    core.events.back().refusal = attack;
    core.verdict.clock->name = attack;
    core.verdict.alarm->name = attack;
    core.verdict.reasons = {attack};
    core.verdict.advice = {attack};
    return profile;
}

}  // namespace calibration_samples
