#include "host_files.hpp"

#include <escapement/host_facts.hpp>

#include <charconv>
#include <filesystem>

namespace escapement {

namespace {

std::optional<std::string> word_of(const std::string& path) {
    std::string line = line_of(path);
    // What is longer is no setting of a kernel's; what is not text would reach a terminal.
    if (line.empty() || line.size() > 4096) return std::nullopt;
    for (const char letter : line) {
        if (letter < ' ' || letter > '~') return std::nullopt;
    }
    return line;
}

std::optional<int> setting_of(const std::string& path) {
    const auto word = word_of(path);
    int number = 0;
    if (!word || std::from_chars(word->data(), word->data() + word->size(), number).ec != std::errc{})
        return std::nullopt;
    return number;
}

/// The nearest control group with a cpuset, at `group` or above it: not every one has a file of its own.
void find_cpuset(const std::filesystem::path& hierarchy, const std::string& group, const char* file,
                 HostFacts& facts) {
    // What a container sees of its own group may begin with "..".
    std::filesystem::path place = std::filesystem::path("/" + group).lexically_normal();
    while (!facts.cpuset) {
        const std::filesystem::path candidate = hierarchy / place.relative_path() / file;
        if ((facts.cpuset = word_of(candidate))) facts.cpuset_file = candidate;
        if (place == place.parent_path()) return;
        place = place.parent_path();
    }
}

void read_cpuset(const std::string& root, HostFacts& facts) {
    for_control_groups(root, [&](std::string_view controllers, const std::string& group) {
        if (facts.cpuset) return;
        if (controllers.empty()) find_cpuset(root + "sys/fs/cgroup", group, "cpuset.cpus.effective", facts);
        if (controllers == "cpuset")
            find_cpuset(root + "sys/fs/cgroup/cpuset", group, "cpuset.effective_cpus", facts);
    });
}

}  // namespace

void read_system(const std::string& root, HostFacts& facts) {
    facts.kernel = word_of(root + "proc/sys/kernel/osrelease");
    facts.ptrace_scope = setting_of(root + "proc/sys/kernel/yama/ptrace_scope");
    facts.randomize_addresses = setting_of(root + "proc/sys/kernel/randomize_va_space");
    facts.smt = word_of(root + "sys/devices/system/cpu/smt/control");
    facts.online_cpus = word_of(root + "sys/devices/system/cpu/online");
    read_cpuset(root, facts);
    for_fields(root + "proc/self/status", [&](const std::string& key, const std::string& value) {
        if (key == "Cpus_allowed_list" && value.size() <= 4096) facts.allowed_cpus = value;
    });
    for_fields(root + "proc/cpuinfo", [&](const std::string& key, const std::string& value) {
        if (key == "Features")
            facts.large_system_extensions = (' ' + value + ' ').find(" atomics ") != std::string::npos;
    });
}

}  // namespace escapement
