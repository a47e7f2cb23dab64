#pragma once
// What can be known of a program before it runs: whether a preloaded library will have a say in it.

#include <tl/expected.hpp>

#include <filesystem>
#include <string>

namespace escapement::command {

/// Where a shell would find `name`; in words, why it would not.
tl::expected<std::filesystem::path, std::string> find_program(const std::string& name);

/// Nothing if the program at `path` can be ordered; otherwise one line that says why it cannot (statically
/// linked, set-uid, of another processor) and what to do.
tl::expected<void, std::string> check_can_be_ordered(const std::filesystem::path& path);

}  // namespace escapement::command
