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
        Count* clock = nullptr;  ///< its participant's; nullptr: the slot is empty
        std::uint64_t delta = 0;
        std::uint64_t address = 0;
        std::int64_t result = 0;
        ObjectNumber object = 0;
        ParticipantNumber participant = 0;
        JournalRecordKind kind = JournalRecordKind::operation;
        OperationKind operation = OperationKind::none;
    };

    JournalSource* source = nullptr;
    std::string name;
    JournalHeader header;
    std::byte* texts = nullptr;  ///< the header's

    std::byte* stored = nullptr;  ///< a block as it lies in the file
    std::byte* raw = nullptr;     ///< the same, decompressed; most_record_size zeros follow
    const std::byte* at = nullptr;
    const std::byte* raw_end = nullptr;
    ZSTD_DCtx* decompressor = nullptr;

    JournalBlock block;
    std::uint32_t left = 0;           ///< records of the block not yet given
    std::uint64_t index = 0;          ///< of the next record
    std::uint64_t first_of_next = 0;  ///< number of the next block's first record
    std::uint64_t offset = 0;         ///< of the next block in the file
    std::uint64_t raw_bytes = 0;
    std::uint64_t checksum = 0;
    bool last_block = false;  ///< the block ends with `end`
    bool over = false;        ///< there is nothing more to read
    std::optional<JournalError> trouble;

    Clocks clocks;
    Slot slots[journal::slots];
    std::size_t next_slot = 0;
    std::uint64_t last_address = 0;
    ParticipantNumber last_participant = 0;
    std::size_t memory_size = 0;

    [[nodiscard]] bool read_header();
    [[nodiscard]] bool read_block();
    [[nodiscard]] bool next_slowly(JournalRecord& record);
    bool bad_record(const char* what);

    /// The record at `at` if it is like one in a slot; otherwise nothing happens.
    [[nodiscard]] bool next_of_slot(JournalRecord& record) noexcept {
        const auto tag = std::to_integer<std::uint8_t>(*at);
        Slot& slot = slots[tag % journal::slots];
        if ((tag & tag_slot) == 0 || slot.clock == nullptr) [[unlikely]]
            return false;
        const std::byte* from = at + 1;
        if ((tag & tag_delta) != 0) {
            std::uint64_t delta = 0;
            from = get_varint(from, delta);
            if (from == nullptr) [[unlikely]]
                return false;
            slot.delta = delta;
        }
        at = from;
        *slot.clock += slot.delta;
        record.kind = slot.kind;
        record.operation = slot.operation;
        record.participant = last_participant = slot.participant;
        record.object = slot.object;
        record.clock = *slot.clock;
        record.result = slot.result;
        record.address = slot.address;
        record.value = 0;
        record.bytes = {};
        return true;
    }

  private:
    bool fail(JournalError::Kind kind, std::uint64_t where, std::string what);
    std::size_t read(std::byte* to, std::size_t size, int& error) noexcept;
    bool read_whole(std::byte* to, std::size_t size, std::size_t before, const char* what);
    bool decompress(std::uint32_t flags, std::size_t size, std::size_t raw_size);
    void begin_block(std::size_t raw_size) noexcept;
    bool next_literal(JournalRecord& record);
};

}  // namespace escapement::journal
