#pragma once

#include <tl/expected.hpp>

#include <string>

namespace escapement::command {

/// The file that this program was started from; or, in a line, why it cannot be started again.
tl::expected<std::string, std::string> own_program();

}  // namespace escapement::command
