#pragma once
// The inside of a JournalReader: blocks are checked and decompressed one at a time, then records are decoded
// where they lie.

#include "journal/format.hpp"

#include <escapement/journal.hpp>

#include <string>

typedef struct ZSTD_DCtx_s ZSTD_DCtx;

namespace escapement::journal {

struct ReaderState {
    struct Slot {
        JournalRecord record;    ///< but for its clock; copied whole, which is what makes reading fast
        Count* clock = nullptr;  ///< its participant's; nullptr: the slot is empty
        std::uint64_t delta = 0;
    };

    JournalSource* source = nullptr;
    std::string name;
    JournalHeader header;
    std::byte* texts = nullptr;  ///< the header's

    std::byte* stored = nullptr;        ///< a block as it lies in the file
    std::byte* raw = nullptr;           ///< the same, decompressed; most_record_size zeros follow
    const std::byte* tag_at = nullptr;  ///< the next record's
    const std::byte* tag_end = nullptr;
    const std::byte* at = nullptr;  ///< what belongs to it
    const std::byte* raw_end = nullptr;
    ZSTD_DCtx* decompressor = nullptr;

    JournalBlock block;
    std::uint64_t first_of_next = 0;  ///< number of the next block's first record
    std::uint64_t offset = 0;         ///< of the next block in the file
    std::uint64_t raw_bytes = 0;
    std::uint64_t checksum = 0;
    bool last_block = false;  ///< the block ends with `end`
    bool pending = false;     ///< the block was read, but not decompressed
    bool over = false;        ///< there is nothing more to read
    std::optional<JournalError> trouble;

    Clocks clocks;
    Slot slots[journal::slots + 1];
    std::size_t next_slot = 0;
    std::uint64_t last_address = 0;
    ParticipantNumber last_participant = 0;
    std::size_t memory_size = 0;

    /// Number of the next record.
    [[nodiscard]] std::uint64_t index() const noexcept {
        return pending ? block.first_record : first_of_next - static_cast<std::uint64_t>(tag_end - tag_at);
    }
    [[nodiscard]] bool read_header();
    [[nodiscard]] bool read_block();
    [[nodiscard]] bool next_slowly(JournalRecord& record);
    bool bad_record(const char* what);
    /// The same of the record that was just passed: it does not count as read.
    bool bad_last_record(const char* what);

    /// The next record if it is like one in a slot; otherwise nothing happens.
    [[nodiscard]] bool next_of_slot(JournalRecord& record) noexcept {
        const auto tag = std::to_integer<unsigned>(*tag_at);
        Slot& slot = slots[tag & tag_slot];  // That of literals is always empty.
        if (slot.clock == nullptr) [[unlikely]]
            return false;
        // No branches: how long a delta is cannot be foreseen.
        const unsigned code = tag >> tag_width_shift;
        const unsigned width = width_of(code);
        const std::uint64_t read = get_fixed<std::uint32_t>(at) & ((std::uint64_t{1} << (8 * width)) - 1);
        const std::uint64_t delta = (slot.delta & (std::uint64_t{code != 0} - 1)) | read;
        slot.delta = delta;
        at += width;
        ++tag_at;
        const Count clock = *slot.clock + delta;
        *slot.clock = clock;
        record = slot.record;
        record.clock = clock;
        last_participant = slot.record.participant;
        return true;
    }

  private:
    bool fail(JournalError::Kind kind, std::uint64_t where, std::string what);
    std::size_t read(std::byte* to, std::size_t size, int& error) noexcept;
    bool read_whole(std::byte* to, std::size_t size, std::size_t before, const char* what);
    bool decompress();
    bool begin_block();
    bool next_literal(JournalRecord& record);
};

}  // namespace escapement::journal
