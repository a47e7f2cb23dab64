#pragma once
// The small files in which a host tells of itself, and what a fake host has in their place.
//
// Whatever lies there (a directory, a pipe, a file without end), reading it ends and takes little memory:
// what is not a regular file has no text, and of the rest only a beginning is read.

#include <cstdint>
#include <string>
#include <string_view>

namespace escapement {

struct HostFacts;

/// The beginning of a file; empty if there is none.
std::string text_of(const std::string& path);
/// Its first line.
std::string line_of(const std::string& path);
/// Takes the first line off `text`.
std::string_view next_line(std::string_view& text);

/// Calls `each(key, value)` for the lines `key : value` of a file.
void for_fields(const std::string& path, const auto& each) {
    const std::string text = text_of(path);
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = next_line(rest);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::size_t end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
        const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
        each(std::string(line.substr(0, end == std::string_view::npos ? 0 : end + 1)),
             begin == std::string_view::npos ? std::string() : std::string(line.substr(begin)));
    }
}

/// Calls `each(controllers, group)` for the control groups that this process is in: there are no controllers
/// for version 2 (lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH; man 7 cgroups).
void for_control_groups(const std::string& root, const auto& each) {
    const std::string groups = text_of(root + "proc/self/cgroup");
    for (std::string_view rest = groups; !rest.empty();) {
        const std::string_view line = next_line(rest);
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos || line.size() > 4096) continue;
        each(line.substr(first + 1, second - first - 1), std::string(line.substr(second + 1)));
    }
}

/// What has nothing to do with counters themselves: kernel, CPUs, what processes may do to each other.
void read_system(const std::string& root, HostFacts& facts);

}  // namespace escapement
