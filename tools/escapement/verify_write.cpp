// How verify_report.hpp puts its files on the disk.

#include "verify_report.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace escapement::verify {
namespace {

namespace fs = std::filesystem;

/// Where a text is written until it is whole. A device or a pipe can only be written to directly.
struct Draft {
    std::string path;
    int descriptor = -1;  ///< -1: errno says why
};

bool is_direct(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    return fs::exists(status) && !fs::is_regular_file(status);
}

/// Nobody else's file is written to, whatever has been put where: a draft is always new. A report has command
/// lines and what consoles said: it is not for everybody (umask(2) may make that less).
Draft open_draft(const std::string& path) {
    constexpr mode_t mode = 0640;
    constexpr int most_tries = 100;
    if (is_direct(path)) return {path, open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
    Draft draft;
    for (int number = 0; number < most_tries; ++number) {
        draft.path = fmt::format("{}.{}.{}.part", path, getpid(), number);
        draft.descriptor =
            open(draft.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (draft.descriptor >= 0 || errno != EEXIST) break;
    }
    return draft;
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::string failure(const std::string& path, int error) {
    return fmt::format("cannot write {}: {}", path, std::strerror(error));
}

}  // namespace

std::string cannot_write(const std::string& path) {
    if (fs::is_directory(path)) return failure(path, EISDIR);
    if (is_direct(path)) return {};
    const Draft draft = open_draft(path);
    if (draft.descriptor < 0) return failure(path, errno);
    close(draft.descriptor);
    unlink(draft.path.c_str());
    return {};
}

tl::expected<void, std::string> write_whole(const std::string& path, const std::string& text) {
    const Draft draft = open_draft(path);
    if (draft.descriptor < 0) return tl::make_unexpected(failure(path, errno));
    const bool written = write_all(draft.descriptor, text);
    const int write_error = errno;
    const bool closed = close(draft.descriptor) == 0;
    const bool direct = draft.path == path;
    if (written && closed && (direct || rename(draft.path.c_str(), path.c_str()) == 0)) return {};
    const int error = written ? errno : write_error;
    if (!direct) unlink(draft.path.c_str());
    return tl::make_unexpected(failure(path, error));
}

}  // namespace escapement::verify
