#include "raw_system_call.hpp"

#include <escapement/journal_file.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace escapement {

namespace {

/// The descriptor, or an error number below 0.
long open_file(const char* path, int flags) noexcept {
    constexpr int mode = 0600;
    long opened = 0;
    do {
        opened = raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path), flags | O_CLOEXEC, mode);
    } while (opened == -EINTR);
    return opened;
}

}  // namespace

JournalFile::~JournalFile() {
    close();
}

int JournalFile::create(const char* path) noexcept {
    close();
    const long opened = open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    if (opened < 0) return static_cast<int>(-opened);
    descriptor_ = static_cast<int>(opened);
    return 0;
}

int JournalFile::open(const char* path) noexcept {
    close();
    const long opened = open_file(path, O_RDONLY);
    if (opened < 0) return static_cast<int>(-opened);
    descriptor_ = static_cast<int>(opened);
    return 0;
}

void JournalFile::close() noexcept {
    if (descriptor_ >= 0) raw_system_call(SYS_close, descriptor_);
    descriptor_ = -1;
}

int JournalFile::move(int least) noexcept {
    const long moved = raw_system_call(SYS_fcntl, descriptor_, F_DUPFD_CLOEXEC, least);
    if (moved < 0) return static_cast<int>(-moved);
    close();
    descriptor_ = static_cast<int>(moved);
    return 0;
}

int JournalFile::write(std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const long written = raw_system_call(SYS_write, descriptor_, reinterpret_cast<long>(bytes.data()),
                                             static_cast<long>(bytes.size()));
        if (written == -EINTR) continue;
        if (written < 0) return static_cast<int>(-written);
        if (written == 0) return EIO;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return 0;
}

JournalSource::Read JournalFile::read(std::span<std::byte> bytes) noexcept {
    long got = 0;
    do {
        got = raw_system_call(SYS_read, descriptor_, reinterpret_cast<long>(bytes.data()),
                              static_cast<long>(bytes.size()));
    } while (got == -EINTR);
    if (got < 0) return {.size = 0, .error = static_cast<int>(-got)};
    return {.size = static_cast<std::size_t>(got), .error = 0};
}

bool JournalFile::rewind() noexcept {
    return raw_system_call(SYS_lseek, descriptor_, 0, SEEK_SET) == 0;
}

}  // namespace escapement
