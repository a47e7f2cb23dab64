#include "journal/decoder.hpp"

#include <algorithm>

namespace escapement::journal {

namespace {

/// By a tag's upper two bits: what of four bytes is the delta, and what of the slot's delta it is.
struct Width {
    std::uint32_t read;
    std::uint32_t bytes;
    std::uint64_t kept;
};
constexpr Width widths[] = {{0, 0, ~std::uint64_t{0}}, {0xff, 1, 0}, {0xffff, 2, 0}, {0xffff'ffff, 4, 0}};
constexpr std::size_t most_width = 4;

}  // namespace

void BlockDecoder::begin(const std::byte* raw, std::size_t size, std::uint32_t records,
                         bool is_last) noexcept {
    raw_ = raw;
    raw_end_ = raw + size;
    tag_at_ = raw;
    tag_end_ = at_ = raw + records;
    is_last_ = is_last;
    trouble_ = nullptr;
    clocks_.begin_block();
    for (Slot& slot : slots_)
        slot.clock = nullptr;
    next_slot_ = 0;
    last_address_ = 0;
    last_participant_ = 0;
}

std::size_t BlockDecoder::next(std::span<JournalRecord> to) noexcept {
    if (has_bytes_) {
        std::ranges::fill(to, JournalRecord{});
        has_bytes_ = false;
    }
    std::size_t count = 0;
    while (count < to.size() && tag_at_ != tag_end_) {
        // Not the last: that of a journal must be its end. None of these can read past the block.
        const std::size_t most =
            std::min({to.size() - count, left() - 1, static_cast<std::size_t>(raw_end_ - at_) / most_width});
        count += next_of_slots(&to[count], most);
        if (count == to.size() || !next_one(to[count])) break;
        ++count;
    }
    return count;
}

std::size_t BlockDecoder::next_of_slots(JournalRecord* to, std::size_t most) noexcept {
    const std::byte* tag_at = tag_at_;
    const std::byte* const end = tag_at + most;
    const std::byte* at = at_;
    // The clock of whoever did the record before is kept here: mostly it did the next one, too, and to read
    // again what was just written takes longer than all the rest.
    for (; tag_at != end; ++tag_at, ++to) {
        const auto tag = std::to_integer<unsigned>(*tag_at);
        Slot& slot = slots_[tag & tag_slot];
        if (slot.clock == nullptr) break;
        // No branches: how long a delta is cannot be foreseen.
        const Width& width = widths[tag >> tag_width_shift];
        const std::uint64_t delta = (slot.delta & width.kept) | (get_fixed<std::uint32_t>(at) & width.read);
        at += width.bytes;
        slot.delta = delta;
        const Count clock = *slot.clock + delta;
        *slot.clock = clock;
        // Whatever comes before the clock at once: stores are what this loop has most of.
        std::memcpy(static_cast<void*>(to), &slot.record, offsetof(JournalRecord, clock));
        to->clock = clock;
        to->result = slot.record.result;
        to->address = slot.record.address;
    }
    const auto count = static_cast<std::size_t>(tag_at - tag_at_);
    if (count != 0) last_participant_ = to[-1].participant;
    tag_at_ = tag_at;
    at_ = at;
    return count;
}

bool BlockDecoder::next_one(JournalRecord& to) noexcept {
    const bool is_end = is_last_ && tag_at_ + 1 == tag_end_;
    const std::byte* const tag = tag_at_;
    const std::byte* const at = at_;
    if ((std::to_integer<unsigned>(*tag) & tag_slot) != tag_literal) {
        if (is_end || next_of_slots(&to, 1) == 0) return bad("a record like one that there was not");
    } else if (next_literal(to)) {
        if ((to.kind == JournalRecordKind::end) != is_end)
            trouble_ = is_end ? "a journal that does not end with its end" : "an end before the end";
    }
    if (trouble_ == nullptr && at_ > raw_end_) trouble_ = "a record that is longer than its block";
    if (trouble_ == nullptr) return true;
    tag_at_ = tag;
    at_ = at;
    return false;
}

bool BlockDecoder::next_literal(JournalRecord& to) noexcept {
    const std::byte* from = at_;
    const auto tag = std::to_integer<unsigned>(*tag_at_);
    JournalRecord record;
    record.kind = static_cast<JournalRecordKind>(*from++);
    if (static_cast<std::size_t>(record.kind) >= journal_record_kinds)
        return bad("a record of no known kind");
    bool good = true;
    const auto varint = [&] {
        std::uint64_t n = 0;
        if (good) from = get_varint(from, n);
        good = good && from != nullptr;
        return n;
    };
    const std::uint64_t participant = (tag & tag_same_participant) != 0 ? last_participant_ : varint();
    const std::uint64_t delta = varint();
    const std::uint64_t object = varint();
    record.result = unzigzag(varint());
    if ((tag & tag_address) != 0) {
        last_address_ += static_cast<std::uint64_t>(unzigzag(varint()));
        record.address = last_address_;
    }
    if (!good || from > raw_end_ || participant >= most_journal_participants || object > UINT32_MAX)
        return bad("a record with numbers that no writer writes");
    if (record.kind == JournalRecordKind::operation) {
        record.operation = static_cast<OperationKind>(*from++);
        if (static_cast<std::size_t>(record.operation) >= operation_kinds)
            return bad("an operation of no known kind");
    }
    record.participant = last_participant_ = static_cast<ParticipantNumber>(participant);
    record.object = static_cast<ObjectNumber>(object);
    Count& clock = clocks_.of(record.participant);
    clock += delta;
    record.clock = clock;
    if (is_shape(record.kind)) {
        slots_[next_slot_] = {.record = record, .clock = &clock, .delta = delta};
        next_slot_ = (next_slot_ + 1) % journal::slots;
    } else {
        record.value = varint();
        const std::uint64_t size = varint();
        if (!good || from > raw_end_ || size > static_cast<std::size_t>(raw_end_ - from))
            return bad("a record that is longer than its block");
        record.bytes = {from, static_cast<std::size_t>(size)};
        from += size;
        has_bytes_ = true;
    }
    to = record;
    at_ = from;
    ++tag_at_;
    return true;
}

}  // namespace escapement::journal
