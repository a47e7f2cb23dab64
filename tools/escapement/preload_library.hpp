#pragma once
// Where the library is that `run` puts before a program.

#include <tl/expected.hpp>

#include <filesystem>
#include <string>

namespace escapement::command {

/// Beside this command, where it was built or where it was installed; in words, why it cannot be used.
tl::expected<std::filesystem::path, std::string> find_preload_library();

}  // namespace escapement::command
