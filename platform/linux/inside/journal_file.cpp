#include "raw_system_call.hpp"

#include <escapement/journal_file.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace escapement {

namespace {

constexpr long mode = S_IRUSR | S_IWUSR;

/// The descriptor, or an error number below 0.
long open_file(const char* path, int flags) noexcept {
    long opened = 0;
    do {
        opened = raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path), flags | O_CLOEXEC, mode);
    } while (opened == -EINTR);
    return opened;
}

/// At its size limit (setrlimit(2), RLIMIT_FSIZE) the kernel sends SIGXFSZ to who writes, which ends the
/// program. The journal's limit is not the program's: while this lives the signal is blocked, and it is gone
/// afterwards.
class NoSizeSignal {
  public:
    NoSizeSignal() {
        raw_system_call(SYS_rt_sigprocmask, SIG_BLOCK, reinterpret_cast<long>(&size_limit),
                        reinterpret_cast<long>(&before_), set_size);
    }
    ~NoSizeSignal() {
        raw_system_call(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&before_), 0, set_size);
    }
    NoSizeSignal(const NoSizeSignal&) = delete;
    NoSizeSignal& operator=(const NoSizeSignal&) = delete;

    /// A write has met the limit.
    static void take_back() {
        const timespec now{};
        raw_system_call(SYS_rt_sigtimedwait, reinterpret_cast<long>(&size_limit), 0,
                        reinterpret_cast<long>(&now), set_size);
    }

  private:
    static constexpr long set_size = 8;  // the kernel's sets: a bit a signal
    static constexpr std::uint64_t size_limit = std::uint64_t{1} << (SIGXFSZ - 1);
    std::uint64_t before_ = 0;
};

}  // namespace

JournalFile::~JournalFile() {
    close();
}

int JournalFile::create(const char* path, Name name) noexcept {
    close();
    const int links = name == Name::derived ? O_NOFOLLOW : 0;
    const long opened = open_file(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | links);
    if (opened < 0) return static_cast<int>(-opened);
    descriptor_ = static_cast<int>(opened);
    struct stat status {};
    long result = raw_system_call(SYS_fstat, descriptor_, reinterpret_cast<long>(&status));
    if (result == 0 && S_ISREG(status.st_mode)) {
        // One that was there may be readable by others: it holds what the program reads, so it is not to be
        // written before that is over.
        constexpr mode_t others = S_IRWXG | S_IRWXO;
        if ((status.st_mode & others) != 0) result = raw_system_call(SYS_fchmod, descriptor_, mode);
        if (result == 0) result = raw_system_call(SYS_ftruncate, descriptor_, 0);
    }
    if (result < 0) close();
    return static_cast<int>(-result);
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
    const NoSizeSignal no_signal;
    while (!bytes.empty()) {
        const long written = raw_system_call(SYS_write, descriptor_, reinterpret_cast<long>(bytes.data()),
                                             static_cast<long>(bytes.size()));
        if (written == -EINTR) continue;
        if (written == -EFBIG) NoSizeSignal::take_back();
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
