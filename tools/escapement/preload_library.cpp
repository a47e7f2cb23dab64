#include "preload_library.hpp"

#include "own_program.hpp"

#include <fmt/format.h>

namespace escapement::command {

tl::expected<std::filesystem::path, std::string> find_preload_library() {
    const auto self = own_program();
    if (!self) return tl::unexpected(self.error());
    const std::filesystem::path prefix = std::filesystem::path(*self).parent_path().parent_path();
    std::error_code error;
    for (const char* const directory : {ESCAPEMENT_LIBRARY_DIRECTORY, "lib"}) {
        const std::filesystem::path library = prefix / directory / "escapement" / "libescapement-preload.so";
        if (!std::filesystem::exists(library, error)) continue;
        if (library.string().find_first_of(" :") == std::string::npos) return library;
        return tl::unexpected(
            fmt::format("{}: the system preloads nothing whose path has a space or a colon in it; "
                        "install escapement elsewhere",
                        library.string()));
    }
    return tl::unexpected(fmt::format("libescapement-preload.so is not below {}; install escapement anew",
                                      (prefix / ESCAPEMENT_LIBRARY_DIRECTORY / "escapement").string()));
}

}  // namespace escapement::command
