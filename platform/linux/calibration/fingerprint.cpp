// Which host this is, as far as counters may depend on it.

#include <escapement/host_facts.hpp>
#include <escapement/profile.hpp>

#include <sys/utsname.h>

#include <fstream>
#include <map>
#include <set>

namespace escapement {

namespace {

struct Description {
    std::string cpu_identity;
    std::string microcode;
};

/// Of all CPUs, each kind once: which one asks must not matter.
Description describe_cpus() {
    std::ifstream file("/proc/cpuinfo");
    std::set<std::string> identities;
    std::set<std::string> microcodes;
    std::map<std::string, std::string> fields;
    const auto finish = [&] {
        std::string identity;
        for (const char* const key : {"vendor_id", "cpu family", "model", "stepping", "CPU implementer",
                                      "CPU part", "CPU variant", "CPU revision"}) {
            const auto field = fields.find(key);
            if (field == fields.end()) continue;
            if (!identity.empty()) identity += ", ";
            identity += key == std::string("vendor_id") ? field->second : key + (' ' + field->second);
        }
        if (!identity.empty()) identities.insert(identity);
        if (const auto field = fields.find("microcode"); field != fields.end())
            microcodes.insert(field->second);
        fields.clear();
    };
    std::string line;
    while (std::getline(file, line)) {
        if (line.empty()) finish();
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
        const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
        if (begin != std::string::npos && end != std::string::npos)
            fields[line.substr(0, end + 1)] = line.substr(begin);
    }
    finish();
    const auto joined = [](const std::set<std::string>& parts) {
        std::string text;
        for (const std::string& part : parts)
            text += (text.empty() ? "" : "; ") + part;
        return text;
    };
    return {.cpu_identity = joined(identities), .microcode = joined(microcodes)};
}

}  // namespace

Fingerprint host_fingerprint() {
    const HostFacts facts = read_host_facts();
    Description description = describe_cpus();
    utsname system{};
    uname(&system);
    Fingerprint here{.architecture = system.machine,
                     .cpu = facts.cpu_name,
                     .cpu_identity = std::move(description.cpu_identity),
                     .microcode = std::move(description.microcode),
                     .kernel = system.release,
                     .hypervisor = facts.hypervisor,
                     .core_types = {}};
    if (here.hypervisor.empty() && facts.virtual_machine) here.hypervisor = "unknown";
    for (const CorePmu& pmu : facts.core_pmus)
        here.core_types.push_back(pmu.name);
    return here;
}

}  // namespace escapement
