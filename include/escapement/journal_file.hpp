#pragma once
// A journal's file: mode 0600, closed on exec, only ever added to.
//
//     JournalFile file;
//     if (const int error = file.create("run.journal")) return error;   // an error number (errno(3)), or 0
//     JournalWriter writer(file, header);
//
// Contract. Usable inside strangers' processes: raw system calls, no memory, no errno, no cancellation point.
// A whole block is given to one write(2) with O_APPEND; interrupted and short writes go on. An existing file
// is emptied, and nobody but its owner may read it any more (EPERM: it is somebody else's, and readable). A
// size limit (RLIMIT_FSIZE) is an error, not a signal. Thread safety: as its writer's or reader's.

#include <escapement/journal.hpp>

#include <cstdint>

namespace escapement {

class JournalFile final : public JournalSink, public JournalSource {
  public:
    JournalFile() = default;
    JournalFile(const JournalFile&) = delete;
    JournalFile& operator=(const JournalFile&) = delete;
    ~JournalFile();

    enum class Name : std::uint8_t {
        given,   ///< by a user: a link is followed
        derived  ///< made of another name, so that others can foresee it: a link is refused (ELOOP)
    };
    /// 0, or the error number.
    [[nodiscard]] int create(const char* path, Name name = Name::given) noexcept;
    /// For reading.
    [[nodiscard]] int open(const char* path) noexcept;
    void close() noexcept;
    /// The descriptor gets the least free number from `least` on, out of a program's way. 0, or the error.
    [[nodiscard]] int move(int least) noexcept;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    int write(std::span<const std::byte> bytes) noexcept override;
    Read read(std::span<std::byte> bytes) noexcept override;
    [[nodiscard]] bool rewind() noexcept override;

  private:
    int descriptor_ = -1;
};

}  // namespace escapement
