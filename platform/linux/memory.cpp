#include "host_files.hpp"

#include <escapement/memory.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

namespace escapement {

namespace {

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    return number;
}

/// The names that one version of control groups has for these files. `cache`: of what is used, what would be
/// given back at once.
struct Files {
    const char* limit;
    const char* used;
    const char* cache;
};
constexpr Files version_1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr Files version_2{"memory.max", "memory.current", "inactive_file"};

std::uint64_t cache_of(const std::string& statistics, std::string_view key) {
    const std::string text = text_of(statistics);
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = next_line(rest);
        if (line.size() > key.size() && line.substr(0, key.size()) == key && line[key.size()] == ' ')
            return number_in(line.substr(key.size() + 1)).value_or(0);
    }
    return 0;
}

/// Limits hold for all groups below theirs: the least of what is left in `group` and those above it.
void limit(const std::filesystem::path& hierarchy, const std::string& group, const Files& files,
           std::optional<std::uint64_t>& available) {
    std::filesystem::path place = std::filesystem::path("/" + group).lexically_normal();
    while (true) {
        const std::filesystem::path here = hierarchy / place.relative_path();
        const auto most = number_in(line_of(here / files.limit));  // "max" is none
        const auto used = number_in(line_of(here / files.used));
        if (most && used) {
            const std::uint64_t needed = *used - std::min(*used, cache_of(here / "memory.stat", files.cache));
            const std::uint64_t left = *most - std::min(*most, needed);
            available = std::min(available.value_or(left), left);
        }
        if (place == place.parent_path()) return;
        place = place.parent_path();
    }
}

}  // namespace

std::optional<std::uint64_t> available_memory(const std::string& root) {
    std::optional<std::uint64_t> available;
    for_fields(root + "proc/meminfo", [&](const std::string& key, const std::string& value) {
        const auto kib = number_in(value);
        if (key == "MemAvailable" && kib) available = *kib * 1024;
    });
    for_control_groups(root, [&](std::string_view controllers, const std::string& group) {
        if (controllers.empty()) limit(root + "sys/fs/cgroup", group, version_2, available);
        if (controllers == "memory") limit(root + "sys/fs/cgroup/memory", group, version_1, available);
    });
    return available;
}

}  // namespace escapement
