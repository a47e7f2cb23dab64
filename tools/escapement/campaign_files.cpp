#include "campaign_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace escapement::campaign {

namespace {

namespace fs = std::filesystem;

tl::unexpected<std::string> cannot(const char* what, const std::string& path, int error) {
    return tl::unexpected(fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

/// 0, or the errno.
int sync_path(const std::string& path, int flags) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
    if (file < 0) return errno;
    const int error = fsync(file) == 0 ? 0 : errno;
    close(file);
    return error;
}

int write_all(int file, const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const ssize_t written = write(file, text.data() + at, text.size() - at);
        if (written < 0 && errno != EINTR) return errno;
        if (written > 0) at += static_cast<std::size_t>(written);
    }
    return fsync(file) == 0 ? 0 : errno;
}

}  // namespace

tl::expected<void, std::string> put_file(const std::string& path, const std::string& text) {
    // Two processes never write the same draft.
    const std::string draft = fmt::format("{}.{}.part", path, getpid());
    const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return cannot("write", draft, errno);
    int error = write_all(file, text);
    if (close(file) != 0 && error == 0) error = errno;
    if (error == 0 && rename(draft.c_str(), path.c_str()) != 0) error = errno;
    if (error == 0) error = sync_path(fs::path(path).parent_path().string(), O_DIRECTORY);
    if (error == 0) return {};
    unlink(draft.c_str());
    return cannot("write", path, error);
}

tl::expected<std::string, std::string> get_file(const std::string& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return cannot("read", path, EISDIR);
    std::ifstream file(path, std::ios::binary);
    if (!file) return cannot("read", path, errno);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (file.bad()) return cannot("read", path, EIO);
    return text;
}

void settle(const std::string& directory) {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
        if (entry.is_regular_file(error)) sync_path(entry.path().string(), O_NONBLOCK);
    }
    sync_path(directory, O_DIRECTORY);
}

tl::expected<FileLock, std::string> FileLock::take(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return cannot("write", path, errno);
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return FileLock(descriptor);
    const int error = errno;
    close(descriptor);
    if (error == EWOULDBLOCK)
        return tl::unexpected(fmt::format("another campaign is at work in {}: wait for it, or end it",
                                          fs::path(path).parent_path().string()));
    return cannot("lock", path, error);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
    if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace escapement::campaign
