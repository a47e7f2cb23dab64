#pragma once
// How much memory there is for more processes.
//
// Contract. `available_memory` says how many bytes could be used without swapping and without meeting a limit
// of this process's control groups (memory.max, versions 1 and 2), read from /proc and /sys, or from the same
// files below another directory. Nothing where the host does not tell: what cannot be read is never guessed.
//
// Errors: none. Thread safety: any thread. Sources: proc(5), MemAvailable; kernel,
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.

#include <cstdint>
#include <optional>
#include <string>

namespace escapement {

std::optional<std::uint64_t> available_memory(const std::string& root = "/");

}  // namespace escapement
