#include "qemu_options.hpp"

namespace escapement::command {

std::vector<std::string> qemu_warnings(const std::vector<std::string>& /*command*/) { return {}; }

}  // namespace escapement::command
