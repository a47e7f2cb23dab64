#include "own_program.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace escapement::command {

tl::expected<std::string, std::string> own_program() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return tl::unexpected(fmt::format("cannot read /proc/self/exe: {}", error.message()));
    // The kernel adds " (deleted)" to the name of a file that is no longer there: an upgrade has put another
    // in its place, which must not go on with what this one has begun.
    if (!std::filesystem::exists(self, error))
        return tl::unexpected(fmt::format(
            "{}: this program was replaced or removed while it ran; start it again", self.string()));
    return self.string();
}

}  // namespace escapement::command
