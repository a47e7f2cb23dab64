#define ZSTD_STATIC_LINKING_ONLY
#include "journal/format.hpp"
#include "journal/memory.hpp"

#include <escapement/journal.hpp>

#include <zstd.h>

#include <algorithm>
#include <new>

namespace escapement {

using namespace journal;

namespace {

/// What a record is apart from its clock.
struct Shape {
    std::uint64_t address = 0;
    std::int64_t result = 0;
    ObjectNumber object = 0;
    ParticipantNumber participant = 0;
    JournalRecordKind kind = JournalRecordKind::operation;
    OperationKind operation = OperationKind::none;

    friend bool operator==(const Shape&, const Shape&) = default;
};

struct Slot {
    Shape shape;
    std::uint64_t delta = 0;
    bool used = false;
};

/// Where the last shape of a hash went. It may be wrong: a slot is looked at before it is used.
constexpr std::size_t guesses = 512;

std::size_t hash_of(const Shape& shape) noexcept {
    std::uint64_t hash = std::uint64_t{shape.object} << 32 ^ std::uint64_t{shape.participant} << 16 ^
                         static_cast<std::uint64_t>(shape.operation) << 8 ^
                         static_cast<std::uint64_t>(shape.kind);
    hash = (hash ^ shape.address ^ static_cast<std::uint64_t>(shape.result) << 24) * 0x9e3779b97f4a7c15;
    return hash >> 55;
}
static_assert(guesses == std::size_t{1} << (64 - 55));

}  // namespace

struct JournalWriter::State {
    JournalSink* sink = nullptr;
    Clocks clocks;
    Slot slots[journal::slots];
    std::uint8_t guess[guesses] = {};
    std::size_t next_slot = 0;
    std::uint64_t last_address = 0;
    ParticipantNumber last_participant = 0;

    std::byte* raw = nullptr;
    std::byte* at = nullptr;     ///< behind what is in `raw`
    std::byte* limit = nullptr;  ///< from here on a block is full
    std::uint32_t block_records = 0;
    std::byte* stored = nullptr;
    std::size_t stored_size = 0;
    std::byte* workspace = nullptr;
    std::size_t workspace_size = 0;
    ZSTD_CCtx* compressor = nullptr;
    int level = 1;

    std::uint64_t checksum = 0;
    std::uint64_t records = 0;
    std::uint64_t lost = 0;  ///< given up before they came into a block
    std::uint64_t bytes = 0;
    std::uint64_t raw_bytes = 0;
    bool closed = false;
    bool failed = false;
    JournalFailure failure;
    std::size_t memory_size = 0;

    void begin_block() noexcept {
        at = raw;
        block_records = 0;
        clocks.begin_block();
        for (Slot& slot : slots)
            slot.used = false;
        next_slot = 0;
        last_address = 0;
        last_participant = 0;
    }

    void fail(int error) noexcept {
        failed = true;
        failure.error = error;
        failure.offset = bytes;
    }

    void write(std::span<const std::byte> what) noexcept {
        if (const int error = sink->write(what)) return fail(error);
        bytes += what.size();
    }

    void write_header(const JournalHeader& header) noexcept;
    bool write_block() noexcept;
    void put_literal(const JournalRecord& record) noexcept;
};

void JournalWriter::State::write_header(const JournalHeader& header) noexcept {
    std::byte* to = stored + header_begin_size;
    for (std::string_view text :
         {header.policy, header.clock_source, header.event, header.fingerprint, header.command_line}) {
        text = text.substr(0, most_header_text);
        to = put_varint(to, text.size());
        to = std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), to);
    }
    to = put_varint(to, header.quantum);
    to = put_varint(to, header.flags);
    std::memcpy(stored, magic, magic_size);
    put_fixed(stored + 8, journal_version);
    put_fixed(stored + 12, static_cast<std::uint32_t>(to - stored - header_begin_size));
    checksum = checksum_of({stored, to}, 0);
    put_fixed(to, checksum);
    write({stored, to + checksum_size});
}

bool JournalWriter::State::write_block() noexcept {
    if (failed) {
        begin_block();
        return false;
    }
    if (block_records == 0) return true;
    const auto size = static_cast<std::size_t>(at - raw);
    std::byte* const body = stored + block_header_size;
    std::size_t body_size = ZSTD_compressCCtx(
        compressor, body, stored_size - block_header_size - checksum_size, raw, size, level);
    std::uint32_t flags = flag_zstd;
    if (ZSTD_isError(body_size) != 0 || body_size >= size) {
        flags = 0;
        body_size = size;
        std::memcpy(body, raw, size);
    }
    if (closed) flags |= flag_last;
    put_fixed(stored, block_magic);
    put_fixed(stored + 4, flags);
    put_fixed(stored + 8, static_cast<std::uint32_t>(body_size));
    put_fixed(stored + 12, static_cast<std::uint32_t>(size));
    put_fixed(stored + 16, block_records);
    put_fixed(stored + 20, std::uint32_t{0});
    const std::uint64_t sum = checksum_of({stored, block_header_size + body_size}, checksum);
    put_fixed(body + body_size, sum);
    write({stored, block_header_size + body_size + checksum_size});
    if (failed) {
        lost += block_records;
    } else {
        checksum = sum;
        raw_bytes += size;
    }
    begin_block();
    return !failed;
}

void JournalWriter::State::put_literal(const JournalRecord& record) noexcept {
    Count& clock = clocks.of(record.participant);
    const Count delta = record.clock - clock;  // Wraps, and wraps back: a number may be given out again.
    clock = record.clock;
    const bool same = record.participant == last_participant;
    std::byte* to = at;
    *to++ =
        static_cast<std::byte>(static_cast<unsigned>(record.kind) | (record.address != 0 ? tag_address : 0U) |
                               (same ? tag_same_participant : 0U));
    if (!same) to = put_varint(to, record.participant);
    to = put_varint(to, delta);
    to = put_varint(to, record.object);
    to = put_varint(to, zigzag(record.result));
    if (record.address != 0) {
        to = put_varint(to, zigzag(static_cast<std::int64_t>(record.address - last_address)));
        last_address = record.address;
    }
    if (record.kind == JournalRecordKind::operation) *to++ = static_cast<std::byte>(record.operation);
    if (!is_shape(record.kind)) {
        to = put_varint(to, record.value);
        to = put_varint(to, record.bytes.size());
        to = std::copy(record.bytes.begin(), record.bytes.end(), to);
    }
    at = to;
}

JournalWriter::JournalWriter(JournalSink& sink, const JournalHeader& header,
                             std::pmr::memory_resource* memory, const Options& options)
    : memory_(memory) {
    const std::size_t block_size = std::min(options.block_size, most_block_size);
    const std::size_t raw_size = block_size + most_journal_bytes + 2 * most_record_size;
    const std::size_t stored_size = block_header_size +
                                    std::max(ZSTD_compressBound(raw_size), most_header_size) + checksum_size +
                                    header_begin_size;
    const std::size_t workspace_size = ZSTD_estimateCCtxSize(options.level);
    const std::size_t size = aligned(sizeof(State)) + aligned(raw_size) + aligned(stored_size) +
                             aligned(workspace_size) + aligned(Clocks::memory_size);
    void* const all = memory->allocate(size, alignment);
    Parts parts(all);
    state_ = new (parts.take(sizeof(State))) State;
    State& s = *state_;
    s.memory_size = size;
    s.raw = parts.take(raw_size);
    s.limit = s.raw + block_size;
    s.stored = parts.take(stored_size);
    s.stored_size = stored_size;
    s.workspace = parts.take(workspace_size);
    s.workspace_size = workspace_size;
    s.clocks.use(parts.take(Clocks::memory_size));
    s.level = options.level;
    begin_again(sink, header);
}

JournalWriter::~JournalWriter() {
    memory_->deallocate(state_, state_->memory_size, alignment);
}

void JournalWriter::begin_again(JournalSink& sink, const JournalHeader& header) noexcept {
    State& s = *state_;
    s.sink = &sink;
    s.records = s.lost = s.bytes = s.raw_bytes = 0;
    s.closed = s.failed = false;
    s.failure = {};
    s.compressor = ZSTD_initStaticCCtx(s.workspace, s.workspace_size);
    s.begin_block();
    s.write_header(header);
}

void JournalWriter::record(const JournalRecord& record) noexcept {
    State& s = *state_;
    ++s.records;
    if (s.failed || s.closed || record.participant >= most_journal_participants ||
        record.bytes.size() > most_journal_bytes) [[unlikely]] {
        ++s.lost;
        return;
    }
    ++s.block_records;
    if (is_shape(record.kind)) {
        const OperationKind operation =
            record.kind == JournalRecordKind::operation ? record.operation : OperationKind::none;
        const Shape shape{record.address,     record.result, record.object,
                          record.participant, record.kind,   operation};
        std::uint8_t& guess = s.guess[hash_of(shape)];
        Slot& known = s.slots[guess];
        if (known.used && known.shape == shape) {
            Count& clock = s.clocks.of(record.participant);
            const Count delta = record.clock - clock;
            clock = record.clock;
            if (delta == known.delta) {
                *s.at++ = static_cast<std::byte>(tag_slot | guess);
            } else {
                *s.at++ = static_cast<std::byte>(tag_slot | tag_delta | guess);
                s.at = put_varint(s.at, delta);
                known.delta = delta;
            }
        } else {
            const Count before = s.clocks.of(record.participant);
            s.put_literal(record);
            guess = static_cast<std::uint8_t>(s.next_slot);
            s.slots[s.next_slot] = {.shape = shape, .delta = record.clock - before, .used = true};
            s.next_slot = (s.next_slot + 1) % journal::slots;
        }
    } else {
        s.put_literal(record);
    }
    s.last_participant = record.participant;
    if (s.at >= s.limit) [[unlikely]]
        s.write_block();
}

bool JournalWriter::flush() noexcept {
    return state_->write_block();
}

bool JournalWriter::close() noexcept {
    State& s = *state_;
    if (s.closed) return !s.failed;
    // The end may not go off with a block that filled up: the block has to know that it is the last.
    s.limit += most_record_size;
    record({.kind = JournalRecordKind::end, .value = s.records});
    s.limit -= most_record_size;
    s.closed = true;
    return s.write_block();
}

std::uint64_t JournalWriter::records() const noexcept {
    return state_->records;
}
std::uint64_t JournalWriter::bytes() const noexcept {
    return state_->bytes;
}
std::uint64_t JournalWriter::raw_bytes() const noexcept {
    return state_->raw_bytes + static_cast<std::uint64_t>(state_->at - state_->raw);
}
bool JournalWriter::failed() const noexcept {
    return state_->failed;
}
const JournalFailure& JournalWriter::failure() const noexcept {
    state_->failure.lost = state_->lost;
    return state_->failure;
}

std::size_t child_journal_name(std::string_view parent, std::uint32_t ordinal,
                               std::span<char> name) noexcept {
    char digits[10];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + ordinal % 10);
        ordinal /= 10;
    } while (ordinal != 0);
    const std::size_t size = parent.size() + 1 + count;
    if (name.size() <= size) return 0;
    char* to = std::copy(parent.begin(), parent.end(), name.data());
    *to++ = '.';
    while (count > 0)
        *to++ = digits[--count];
    *to = '\0';
    return size;
}

}  // namespace escapement
