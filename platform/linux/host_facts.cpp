#include "host_files.hpp"
#include "hypervisor.hpp"

#include <escapement/host_facts.hpp>
#include <escapement/placement.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace escapement {

namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return number;
}

void read_cpu(const std::string& root, HostFacts& facts) {
    for_fields(root + "proc/cpuinfo", [&](const std::string& key, const std::string& value) {
        if (key == "vendor_id") {
            facts.vendor = value == "GenuineIntel"                              ? CpuVendor::intel
                           : value == "AuthenticAMD" || value == "HygonGenuine" ? CpuVendor::amd
                                                                                : CpuVendor::other;
        } else if (key == "cpu family" || key == "CPU implementer") {
            if (key == "CPU implementer") facts.vendor = CpuVendor::arm;
            facts.family = number_of<unsigned>(value).value_or(0);
        } else if (key == "model" || key == "CPU part") {
            facts.model = number_of<unsigned>(value).value_or(0);
        } else if (key == "model name") {
            facts.cpu_name = value;
        } else if (key == "flags") {
            const std::string flags = ' ' + value + ' ';
            facts.virtual_machine = flags.find(" hypervisor ") != std::string::npos;
        }
    });
    std::ostringstream numbers;
    if (facts.vendor == CpuVendor::arm) {
        numbers << "Arm implementer 0x" << std::hex << facts.family << " part 0x" << facts.model;
    } else {
        numbers << " (family " << facts.family << " model " << facts.model << ')';
    }
    facts.cpu_name = facts.cpu_name.empty() && facts.vendor != CpuVendor::arm
                         ? "this CPU"
                         : facts.cpu_name + numbers.str();
}

std::string hypervisor_named(const std::string& text) {
    constexpr std::pair<std::string_view, const char*> known[] = {
        {"KVMKVMKVM", "KVM"}, {"Linux KVM Hv", "KVM"},        {"XenVMMXenVMM", "Xen"},
        {"xen", "Xen"},       {"VMwareVMware", "VMware"},     {"VMware", "VMware"},
        {"QEMU", "QEMU"},     {"Microsoft Hv", "Hyper-V"},    {"Amazon EC2", "EC2"},
        {"Google", "Google"}, {"TCGTCGTCGTCG", "QEMU (TCG)"}, {"innotek GmbH", "VirtualBox"},
    };
    for (const auto& [sign, name] : known) {
        if (text.find(sign) != std::string::npos) return name;
    }
    return {};
}

void read_hypervisor(const std::string& root, HostFacts& facts) {
    facts.hypervisor = hypervisor_named(line_of(root + "sys/hypervisor/type"));
    if (facts.hypervisor.empty() && root == "/") facts.hypervisor = hypervisor_named(hypervisor_signature());
    for (const char* const file : {"sys_vendor", "product_name"}) {
        if (!facts.hypervisor.empty()) break;
        // A physical machine of a maker's is none; EC2's bare metal says so in its product name.
        const std::string text = line_of(root + "sys/class/dmi/id/" + file);
        if (text.find(".metal") == std::string::npos) facts.hypervisor = hypervisor_named(text);
    }
    if (facts.vendor == CpuVendor::arm && !facts.hypervisor.empty()) facts.virtual_machine = true;
}

void read_process(const std::string& root, HostFacts& facts) {
    for_fields(root + "proc/self/status", [&](const std::string& key, const std::string& value) {
        if (key == "Seccomp") facts.seccomp = number_of<int>(value);
        if (key == "CapEff") facts.privileges = number_of<std::uint64_t>(value, 16);
    });
    constexpr std::string_view title = "Max open files";
    const std::string limits = text_of(root + "proc/self/limits");
    for (std::string_view rest = limits; !rest.empty();) {
        const std::string_view line = next_line(rest);
        if (!line.starts_with(title)) continue;
        std::istringstream values(std::string(line.substr(title.size())));
        std::string soft;
        std::string hard;
        if (values >> soft >> hard) {
            facts.open_files = soft;
            facts.open_files_hard = hard;
        }
    }
    // With no descriptor left these files cannot be opened.
    if (rlimit limit{}; !facts.open_files && root == "/" && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        facts.open_files = std::to_string(limit.rlim_cur);
        facts.open_files_hard = std::to_string(limit.rlim_max);
    }
}

/// PMUs of cores tell their CPUs in `cpus`; other devices have `cpumask` or nothing. The only PMU of x86
/// processors with one type of core has nothing either, and is called `cpu`.
void read_pmus(const std::string& root, HostFacts& facts) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(root + "sys/bus/event_source/devices", error)) {
        CorePmu pmu;
        pmu.name = entry.path().filename();
        const std::string cpus = line_of(entry.path() / "cpus");
        const auto type = number_of<std::uint32_t>(line_of(entry.path() / "type"));
        const bool of_cores = pmu.name == "cpu" || pmu.name.starts_with("cpu_") ||
                              pmu.name.starts_with("armv") || pmu.name.starts_with("apple_");
        if (!type || !of_cores) continue;
        pmu.type = *type;
        std::set<unsigned> any;
        for (unsigned cpu = 0; cpu < 8192; ++cpu)
            any.insert(any.end(), cpu);
        if (const auto listed = parse_cpus(cpus, any); listed) pmu.cpus = listed->cpus;
        facts.core_pmus.push_back(pmu);
    }
    std::sort(facts.core_pmus.begin(), facts.core_pmus.end(),
              [](const CorePmu& a, const CorePmu& b) { return a.name < b.name; });
}

}  // namespace

bool HostFacts::may_count() const {
    constexpr unsigned system_administrator = 21;
    constexpr unsigned performance_monitoring = 38;
    const std::uint64_t all = privileges.value_or(0);
    return (paranoid && *paranoid <= 2) ||
           ((all >> system_administrator | all >> performance_monitoring) & 1U) != 0;
}

const CorePmu* HostFacts::pmu_of_cpu(unsigned cpu) const {
    for (const CorePmu& pmu : core_pmus) {
        if (pmu.cpus.empty() || pmu.cpus.contains(cpu)) return &pmu;
    }
    return nullptr;
}

HostFacts read_host_facts(const std::string& directory) {
    const std::string root = directory.ends_with('/') ? directory : directory + '/';
    HostFacts facts;
    const auto setting = [&](const char* name) {
        return number_of<int>(line_of(root + "proc/sys/kernel/" + name));
    };
    facts.paranoid = setting("perf_event_paranoid");
    facts.nmi_watchdog = setting("nmi_watchdog");
    facts.lockable_kib = setting("perf_event_mlock_kb");
    facts.user_access = setting("perf_user_access");
    facts.freeze_on_smi = number_of<int>(line_of(root + "sys/devices/cpu/freeze_on_smi"));
    read_cpu(root, facts);
    read_hypervisor(root, facts);
    read_process(root, facts);
    read_pmus(root, facts);
    read_system(root, facts);
    return facts;
}

}  // namespace escapement
