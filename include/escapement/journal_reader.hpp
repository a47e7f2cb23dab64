#pragma once
// Reads a journal (journal.hpp), record by record or block by block.
//
//     auto reader = JournalReader::open(file, "run.journal");
//     if (!reader) return complain(reader.error().text());
//     while (const JournalRecord* record = reader->next()) fmt::print("{}\n", describe(*record));
//     if (reader->trouble()) complain(reader->trouble()->text());    // cut, damaged: where, after how many
//
// Contract. Gives what was recorded, in its order. After kill -9 or on a full disk all blocks that were
// written read back, and the reader says that the journal was cut, where, and after how many records. It
// believes no length, takes all its memory when it is opened, and none afterwards however long the journal
// is.
//
// Errors: at most one JournalError, in which it ends: path, offset, reason. Throws nothing but what its
// memory resource throws. Thread safety: none. Different readers are independent.

#include <escapement/journal_record.hpp>

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>

namespace escapement {

class JournalSource {
  public:
    struct Read {
        std::size_t size = 0;  ///< 0: the end, or an error
        int error = 0;         ///< the host's error number
    };
    /// Reads up to `bytes.size()` bytes.
    virtual Read read(std::span<std::byte> bytes) noexcept = 0;
    /// Begins again at the first byte; false if that cannot be done.
    [[nodiscard]] virtual bool rewind() noexcept { return false; }

  protected:
    ~JournalSource() = default;
};

/// Why a journal, or the rest of it, cannot be read.
struct JournalError {
    enum class Kind : std::uint8_t {
        unreadable,     ///< the source failed
        not_a_journal,  ///< something else
        other_version,
        cut,      ///< the run was killed, the disk was full, or it is still going on
        damaged,  ///< bytes that no writer writes
    };

    Kind kind = Kind::unreadable;
    std::string journal;        ///< the name that was given to the reader
    std::uint64_t offset = 0;   ///< where in the file
    std::uint64_t records = 0;  ///< read before
    std::string what;           ///< what is wrong
    std::string advice;         ///< what to do about it

    /// All of it in one line, escaped for a terminal.
    [[nodiscard]] std::string text() const;
};

/// One block, as it lies in the file.
struct JournalBlock {
    std::uint64_t offset = 0;        ///< in the file
    std::uint64_t first_record = 0;  ///< number of its first record
    std::uint32_t records = 0;
    std::uint32_t raw_size = 0;         ///< of its records, decompressed
    std::span<const std::byte> stored;  ///< all of it, valid until the next; equal: so are the records
};

namespace journal {
struct ReaderState;
}

class JournalReader {
  public:
    /// Reads the header. `source` and `memory` must outlive the reader.
    static tl::expected<JournalReader, JournalError> open(
        JournalSource& source, std::string name,
        std::pmr::memory_resource* memory = std::pmr::get_default_resource());
    JournalReader(JournalReader&& other) noexcept;
    JournalReader& operator=(JournalReader&& other) noexcept;
    ~JournalReader();

    [[nodiscard]] const JournalHeader& header() const noexcept;
    /// Number of the record that next() gave last, from 0.
    [[nodiscard]] std::uint64_t index() const noexcept;
    /// The next record, valid until the reader is used again; nullptr after `end` (which is a record), or if
    /// it cannot be read on: see trouble().
    [[nodiscard]] const JournalRecord* next() {
        if (next_ == decoded_end_ && !decode()) [[unlikely]]
            return nullptr;
        return next_++;
    }
    /// The same, and the record is copied; its bytes are the reader's still.
    [[nodiscard]] bool next(JournalRecord& record) {
        const JournalRecord* const found = next();
        if (found != nullptr) record = *found;
        return found != nullptr;
    }
    /// Set once next() has given nothing, if the journal does not end as a writer ends it.
    [[nodiscard]] const std::optional<JournalError>& trouble() const noexcept;

    /// For who compares: goes on to the next block and checks it, but decodes nothing (next() does that);
    /// false as next() has none. Records of the block before that were not read are passed over.
    [[nodiscard]] bool next_block();
    [[nodiscard]] const JournalBlock& block() const noexcept;

    [[nodiscard]] std::uint64_t records() const noexcept;    ///< passed so far
    [[nodiscard]] std::uint64_t bytes() const noexcept;      ///< of the file, in whole blocks
    [[nodiscard]] std::uint64_t raw_bytes() const noexcept;  ///< of the same, decompressed

  private:
    using State = journal::ReaderState;
    JournalReader() = default;
    bool decode();
    std::pmr::memory_resource* memory_ = nullptr;
    State* state_ = nullptr;
    /// Records that were decoded and not given yet.
    const JournalRecord* next_ = nullptr;
    const JournalRecord* decoded_end_ = nullptr;
};

/// True if `beginning` is how a journal begins (8 bytes are enough).
[[nodiscard]] bool begins_as_journal(std::span<const std::byte> beginning) noexcept;

}  // namespace escapement
