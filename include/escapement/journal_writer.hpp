#pragma once
// Writes a journal (journal.hpp): what a domain did, as it does it.
//
//     JournalWriter writer(file, {.policy = "counted", .quantum = 1000, .command_line = "machine disk.img"});
//     writer.record({.kind = JournalRecordKind::operation, .operation = OperationKind::lock,
//                    .participant = 1, .object = objects.number_of(key), .clock = 4711});
//     writer.close();                                                   // the end is a record, too
//
// Contract. Takes all its memory when it is made, from the resource it is given, and none afterwards; throws
// nothing (unless that resource does), uses no errno and calls no operating system: it lives in strangers'
// processes. A file is only ever added to, by whole blocks. Equal records under equal headers make equal
// files.
//
// Errors: a writer that cannot write says so in failure() and swallows the rest.
// Thread safety: none; who records holds the turn, or a lock of its own. Different objects are independent.

#include <escapement/journal_record.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>

namespace escapement {

class JournalSink {
  public:
    /// Writes all of `bytes`, or says why not: 0, or the host's error number. May have written a part then.
    virtual int write(std::span<const std::byte> bytes) noexcept = 0;

  protected:
    ~JournalSink() = default;
};

/// Numbers keys (addresses, which differ from run to run) by their first appearance. Memory is fixed: when
/// the table is full it is emptied, and objects get new numbers at their next appearance: in every run alike.
class ObjectNumbers {
  public:
    /// `capacity`: objects known at a time; a power of two.
    explicit ObjectNumbers(std::pmr::memory_resource* memory = std::pmr::get_default_resource(),
                           std::size_t capacity = 65536);
    ObjectNumbers(const ObjectNumbers&) = delete;
    ObjectNumbers& operator=(const ObjectNumbers&) = delete;
    ~ObjectNumbers();

    [[nodiscard]] ObjectNumber number_of(ObjectKey key) noexcept;
    /// The memory of `key` is another object from now on.
    void forget(ObjectKey key) noexcept;
    /// Numbers begin at 1 again.
    void clear() noexcept;

  private:
    struct Slot {
        ObjectKey key;
        ObjectNumber number;  ///< 0: free
    };
    [[nodiscard]] std::size_t home(ObjectKey key) const noexcept;
    std::pmr::memory_resource* memory_;
    std::size_t mask_;
    std::size_t used_ = 0;
    ObjectNumber last_ = 0;
    Slot* slots_;
};

struct JournalWriterOptions {
    std::size_t block_size = std::size_t{64}
                             << 10;  ///< raw bytes after which a block is written; at most 128 KiB
    int level = -1;  ///< zstd's. Against 1, reading is half as fast again, and files are a tenth larger
};

/// What became of a writer that could not write.
struct JournalFailure {
    int error = 0;             ///< the sink's; -1: compression failed
    std::uint64_t offset = 0;  ///< of the block that could not be written, in the file
    std::uint64_t lost = 0;    ///< records that are not in the file
};

class JournalWriter {
  public:
    using Options = JournalWriterOptions;

    /// Writes the header. `sink` and `memory` must outlive the writer.
    JournalWriter(JournalSink& sink, const JournalHeader& header,
                  std::pmr::memory_resource* memory = std::pmr::get_default_resource(),
                  const Options& options = {});
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;
    /// Does not write what is left: who ends in order calls close().
    ~JournalWriter();

    /// Adds a record. Participants from most_journal_participants on, and more than most_journal_bytes, are
    /// the host's defects: the record is counted as lost.
    void record(const JournalRecord& record) noexcept;
    /// Writes the records so far, as a block of their own. False: see failure().
    bool flush() noexcept;
    /// Adds `end` and writes all that is left. Nothing can be recorded afterwards.
    bool close() noexcept;

    /// In a child process, which has its own file: forgets the parent's records that were not written yet
    /// (the parent writes them) and begins a new journal. See child_journal_name().
    void begin_again(JournalSink& sink, const JournalHeader& header) noexcept;

    [[nodiscard]] std::uint64_t records() const noexcept;  ///< recorded so far
    [[nodiscard]] std::uint64_t bytes() const noexcept;    ///< written so far
    [[nodiscard]] std::uint64_t raw_bytes()
        const noexcept;  ///< before compression, those not yet written too
    [[nodiscard]] bool failed() const noexcept;
    [[nodiscard]] const JournalFailure& failure() const noexcept;

  private:
    struct State;
    std::pmr::memory_resource* memory_;
    State* state_;
};

/// The journal of the `ordinal`th child (from 1) of the process whose journal is `parent`: "run.journal.1",
/// its first child's "run.journal.1.1": names do not depend on process numbers, which differ from run to run.
/// Returns the length, without the terminating 0; 0 if `name` is too small.
std::size_t child_journal_name(std::string_view parent, std::uint32_t ordinal, std::span<char> name) noexcept;

}  // namespace escapement
