// How verify_report.hpp puts its files on the disk.

#include "verify_report.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace escapement::verify {
namespace {

namespace fs = std::filesystem;

/// Where the text is written until it is whole. A device or a pipe can only be written to directly.
std::string draft_of(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    return fs::exists(status) && !fs::is_regular_file(status) ? path : path + ".part";
}

std::string failure(const std::string& path, int error) {
    return fmt::format("cannot write {}: {}", path, std::strerror(error));
}

}  // namespace

std::string cannot_write(const std::string& path) {
    const std::string draft = draft_of(path);
    if (fs::is_directory(path)) return failure(path, EISDIR);
    if (draft == path) return {};
    if (!std::ofstream(draft, std::ios::binary | std::ios::app)) return failure(path, errno);
    std::error_code ignored;
    fs::remove(draft, ignored);
    return {};
}

tl::expected<void, std::string> write_whole(const std::string& path, const std::string& text) {
    const std::string draft = draft_of(path);
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    if (file) file << text << std::flush;
    const int write_error = errno;
    const bool written = static_cast<bool>(file);
    file.close();
    if (written && file && draft == path) return {};
    std::error_code error;
    if (written && file) {
        fs::rename(draft, path, error);
        if (!error) return {};
    }
    std::error_code ignored;
    if (draft != path) fs::remove(draft, ignored);
    return tl::make_unexpected(error ? fmt::format("cannot write {}: {}", path, error.message())
                                     : failure(path, write_error));
}

}  // namespace escapement::verify
