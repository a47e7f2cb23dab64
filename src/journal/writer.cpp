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

    std::byte* raw = nullptr;     ///< the tags
    std::byte* data = nullptr;    ///< and behind room for all of them what belongs to them
    std::byte* tag_at = nullptr;  ///< behind the last tag
    std::byte* at = nullptr;      ///< behind the last data
    std::size_t block_size = 0;   ///< bytes of both with which a block is full
    std::byte* stored = nullptr;
    std::size_t stored_size = 0;
    std::byte* workspace = nullptr;
    std::size_t workspace_size = 0;
    ZSTD_CCtx* compressor = nullptr;
    int level = 0;

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
        tag_at = raw;
        at = data;
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

    [[nodiscard]] std::size_t block_records() const noexcept {
        return static_cast<std::size_t>(tag_at - raw);
    }
    [[nodiscard]] std::size_t raw_size() const noexcept {
        return block_records() + static_cast<std::size_t>(at - data);
    }
    void put_tag(unsigned tag) noexcept { *tag_at++ = static_cast<std::byte>(tag); }

    void write_header(const JournalHeader& header) noexcept;
    bool write_block() noexcept;
    void put_literal(const JournalRecord& record) noexcept;
    void add_slot(const Shape& shape, std::uint8_t& where, Count delta) noexcept {
        where = static_cast<std::uint8_t>(next_slot);
        slots[next_slot] = {.shape = shape, .delta = delta, .used = true};
        next_slot = (next_slot + 1) % journal::slots;
    }
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
    put_fixed(stored + 12,
              static_cast<std::uint32_t>(static_cast<std::size_t>(to - stored) - header_begin_size));
    checksum = checksum_of({stored, to}, 0);
    put_fixed(to, checksum);
    write({stored, to + checksum_size});
}

bool JournalWriter::State::write_block() noexcept {
    if (failed) {
        begin_block();
        return false;
    }
    const std::size_t records_here = block_records();
    if (records_here == 0) return true;
    const std::size_t size = raw_size();
    std::memmove(tag_at, data, size - records_here);
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
    put_fixed(stored + 16, static_cast<std::uint32_t>(records_here));
    put_fixed(stored + 20, std::uint32_t{0});
    const std::uint64_t sum = checksum_of({stored, block_header_size + body_size}, checksum);
    put_fixed(body + body_size, sum);
    write({stored, block_header_size + body_size + checksum_size});
    if (failed) {
        lost += records_here;
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
    put_tag(tag_literal | (record.address != 0 ? tag_address : 0U) | (same ? tag_same_participant : 0U));
    *to++ = static_cast<std::byte>(record.kind);
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
    // A block may be full by its tags alone; the last record in it may be a large one, and an end may follow.
    const std::size_t data_at = block_size + most_record_size;
    const std::size_t raw_size = data_at + block_size + most_journal_bytes + 2 * most_record_size;
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
    s.data = s.raw + data_at;
    s.block_size = block_size;
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
            if (delta > UINT32_MAX) [[unlikely]] {
                clock = record.clock - delta;
                s.put_literal(record);
                s.add_slot(shape, guess, delta);
            } else {
                // No branches: how far a clock got cannot be foreseen.
                const unsigned code =
                    static_cast<unsigned>(delta != known.delta) *
                    (1U + static_cast<unsigned>(delta > 0xff) + static_cast<unsigned>(delta > 0xffff));
                s.put_tag(guess | code << tag_width_shift);
                put_fixed(s.at, static_cast<std::uint32_t>(delta));
                s.at += width_of(code);
                known.delta = delta;
            }
        } else {
            const Count before = s.clocks.of(record.participant);
            s.put_literal(record);
            s.add_slot(shape, guess, record.clock - before);
        }
    } else {
        s.put_literal(record);
    }
    s.last_participant = record.participant;
    if (s.raw_size() >= s.block_size && record.kind != JournalRecordKind::end) [[unlikely]]
        s.write_block();
}

bool JournalWriter::flush() noexcept {
    return state_->write_block();
}

bool JournalWriter::close() noexcept {
    State& s = *state_;
    if (s.closed) return !s.failed;
    record({.kind = JournalRecordKind::end, .value = s.records});
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
    return state_->raw_bytes + state_->raw_size();
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
