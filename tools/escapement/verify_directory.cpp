#include "verify_directory.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace escapement::verify {

namespace fs = std::filesystem;

tl::expected<WorkDirectory, std::string> WorkDirectory::temporary() {
    constexpr const char* advice =
        "set TMPDIR to a directory that exists and can be written, or give --keep DIR";
    std::error_code error;
    const fs::path parent = fs::temp_directory_path(error);
    if (error)
        return tl::make_unexpected(
            fmt::format("no directory for temporary files: {}; {}", error.message(), advice));
    std::string path = (parent / "escapement-verify-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
        return tl::make_unexpected(fmt::format("cannot make a directory in {}: {}; {}", parent.string(),
                                               std::strerror(errno), advice));
    }
    return WorkDirectory(std::move(path), false);
}

tl::expected<WorkDirectory, std::string> WorkDirectory::at(const std::string& path) {
    std::error_code error;
    const bool made = fs::create_directories(path, error);
    // Recordings and consoles hold what guests read and said; a directory that was there keeps its owner's
    // choice.
    if (made) fs::permissions(path, fs::perms::owner_all, error);
    if (error)
        return tl::make_unexpected(fmt::format("cannot make the directory {}: {}", path, error.message()));
    const bool empty = fs::is_empty(path, error);
    if (error)
        return tl::make_unexpected(fmt::format("cannot read the directory {}: {}", path, error.message()));
    if (!empty) return tl::make_unexpected(fmt::format("{} is not empty: give --keep a new directory", path));
    // Runs may change their working directory.
    const fs::path absolute = fs::absolute(path, error);
    if (error)
        return tl::make_unexpected(fmt::format("cannot find the directory {}: {}", path, error.message()));
    return WorkDirectory(absolute.lexically_normal().string(), true);
}

WorkDirectory::WorkDirectory(WorkDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), kept_(other.kept_) {}

WorkDirectory::~WorkDirectory() {
    if (path_.empty() || kept_) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

tl::expected<std::string, std::string> WorkDirectory::make(const std::string& name) const {
    const fs::path directory = fs::path(path_) / name;
    std::error_code error;
    const bool made = fs::create_directory(directory, error);
    if (error) {
        return tl::make_unexpected(
            fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));
    }
    if (!made) return tl::make_unexpected(fmt::format("{} exists already", directory.string()));
    return directory.string();
}

void WorkDirectory::remove(const std::string& name) const {
    std::error_code ignored;
    fs::remove_all(fs::path(path_) / name, ignored);
}

std::string WorkDirectory::shortage() const {
    constexpr std::uintmax_t least = 1U << 20U;
    std::error_code error;
    const fs::space_info space = fs::space(path_, error);
    // A file system without a size cannot be full.
    if (error || space.capacity == 0 || space.available >= least) return {};
    return fmt::format("no space left in {}: make room, or put the files elsewhere with --keep DIR", path_);
}

void share_space(const std::string& original, const std::string& copy) {
    const fs::path link = copy + ".link";
    std::error_code error;
    fs::create_hard_link(original, link, error);
    if (error) return;  // it was only to save space
    fs::rename(link, copy, error);
    if (error) fs::remove(link, error);
}

}  // namespace escapement::verify
