#pragma once
// The inside of a JournalReader: blocks are checked and decompressed one at a time, and their records decoded
// some at a time.

#include "journal/decoder.hpp"
#include "journal/format.hpp"

#include <escapement/journal_reader.hpp>

#include <array>
#include <string>

typedef struct ZSTD_DCtx_s ZSTD_DCtx;

namespace escapement::journal {

struct ReaderState {
    /// Few enough to stay in the first cache with the block that they come from.
    static constexpr std::size_t decoded_at_once = 128;

    JournalSource* source = nullptr;
    std::string name;
    JournalHeader header;
    std::byte* texts = nullptr;  ///< the header's

    std::byte* stored = nullptr;  ///< a block as it lies in the file
    std::byte* raw = nullptr;     ///< the same, decompressed; the decoder's slack follows
    ZSTD_DCtx* decompressor = nullptr;
    BlockDecoder decoder;
    std::array<JournalRecord, decoded_at_once> decoded{};

    JournalBlock block;
    std::uint64_t first_of_next = 0;  ///< number of the next block's first record
    std::uint64_t offset = 0;         ///< of the next block in the file
    std::uint64_t raw_bytes = 0;
    std::uint64_t checksum = 0;
    bool last_block = false;  ///< the block ends with `end`
    bool pending = false;     ///< the block was read, but not decompressed
    bool over = false;        ///< there is nothing more to read
    std::optional<JournalError> trouble;
    std::size_t memory_size = 0;

    /// Number of the next record to be decoded.
    [[nodiscard]] std::uint64_t index() const noexcept {
        return pending ? block.first_record : first_of_next - decoder.left();
    }
    [[nodiscard]] bool read_header();
    [[nodiscard]] bool read_block();
    /// How many of `decoded` are the next records: 0: none is left, or see `trouble`.
    [[nodiscard]] std::size_t decode();

  private:
    bool fail(JournalError::Kind kind, std::uint64_t where, std::string what);
    bool bad_record(const char* what);
    std::size_t read(std::byte* to, std::size_t size, int& error) noexcept;
    bool read_whole(std::byte* to, std::size_t size, std::size_t before, const char* what);
    bool decompress();
};

}  // namespace escapement::journal
