#pragma once
// Decodes a block's records from its raw bytes (journal.hpp, "records").
//
//     decoder.begin(raw, raw_size, records, is_last);
//     while (const std::size_t count = decoder.next(some)) use(some.first(count));
//     if (decoder.trouble() != nullptr) …                      // what is wrong with the next record
//
// Contract. `raw` is followed by `slack` bytes of zeros, and stays as it is until the next begin(). Reads no
// further than that, whatever the bytes are: a record that goes on behind its block is seen when it was
// decoded. Most records are like one before, and take a byte or a few: these are decoded many at a time, with
// one look at what is left of the block for all of them.

#include "journal/format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace escapement::journal {

class BlockDecoder {
  public:
    /// Zeros behind a block's bytes: what one record may read beyond them.
    static constexpr std::size_t slack = most_record_size;
    static constexpr std::size_t memory_size = Clocks::memory_size;
    void use(std::byte* memory) noexcept { clocks_.use(memory); }

    void begin(const std::byte* raw, std::size_t size, std::uint32_t records, bool is_last) noexcept;
    /// The next records; fewer than there is room for if the block is over, or the next one is bad; 0:
    /// nothing is left, or see trouble(). In `to` are records of an earlier call, or none: value 0, no bytes.
    [[nodiscard]] std::size_t next(std::span<JournalRecord> to) noexcept;
    /// What is wrong with the next record, if anything is.
    [[nodiscard]] const char* trouble() const noexcept { return trouble_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(tag_end_ - tag_at_); }
    /// How far into the raw bytes the next record's data begin.
    [[nodiscard]] std::size_t at() const noexcept { return static_cast<std::size_t>(at_ - raw_); }
    /// All that the block has was read.
    [[nodiscard]] bool complete() const noexcept { return tag_at_ == tag_end_ && at_ == raw_end_; }
    void pass_over() noexcept {
        tag_at_ = tag_end_;
        at_ = raw_end_;
    }

  private:
    struct Slot {
        JournalRecord record;    ///< but for its clock
        Count* clock = nullptr;  ///< its participant's; nullptr: the slot is empty
        std::uint64_t delta;     ///< by which that clock went on the last time
    };

    std::size_t next_of_slots(JournalRecord* to, std::size_t most) noexcept;
    bool next_one(JournalRecord& to) noexcept;
    bool next_literal(JournalRecord& to) noexcept;
    bool bad(const char* what) noexcept {
        trouble_ = what;
        return false;
    }

    const std::byte* raw_ = nullptr;
    const std::byte* raw_end_ = nullptr;
    const std::byte* tag_at_ = nullptr;  ///< the next record's
    const std::byte* tag_end_ = nullptr;
    const std::byte* at_ = nullptr;  ///< what belongs to it
    bool is_last_ = false;           ///< the block ends with `end`
    bool has_bytes_ = false;         ///< a record that was given has a value and bytes
    const char* trouble_ = nullptr;

    Clocks clocks_;
    Slot slots_[journal::slots + 1];  ///< that of literals is always empty
    std::size_t next_slot_ = 0;
    std::uint64_t last_address_ = 0;
    ParticipantNumber last_participant_ = 0;
};

}  // namespace escapement::journal
