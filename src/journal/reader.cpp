#define ZSTD_STATIC_LINKING_ONLY
#include "journal/reader.hpp"

#include "journal/memory.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace escapement {

using namespace journal;

namespace journal {

namespace {

constexpr const char* advice_cut =
    "the run was killed, the disk was full, or it is still going on; what comes before is whole";
constexpr const char* advice_damaged = "what comes before is whole; take the journal from a good copy";

}  // namespace

bool ReaderState::fail(JournalError::Kind kind, std::uint64_t where, std::string what) {
    over = true;
    at = raw_end;
    const char* advice = kind == JournalError::Kind::cut          ? advice_cut
                         : kind == JournalError::Kind::damaged    ? advice_damaged
                         : kind == JournalError::Kind::unreadable ? "check the disk and the permissions"
                         : kind == JournalError::Kind::other_version
                             ? "read it with the Escapement that wrote it"
                             : "check the name";
    trouble = JournalError{kind, name, where, index(), std::move(what), advice};
    first_of_next = index();
    pending = false;
    tag_end = tag_at;
    return false;
}

std::size_t ReaderState::read(std::byte* to, std::size_t size, int& error) noexcept {
    std::size_t done = 0;
    while (done < size) {
        const JournalSource::Read got = source->read({to + done, size - done});
        if (got.size == 0) {
            error = got.error;
            break;
        }
        done += got.size;
    }
    return done;
}

bool ReaderState::read_whole(std::byte* to, std::size_t size, std::size_t before, const char* what) {
    int error = 0;
    const std::size_t got = read(to, size, error);
    if (error != 0)
        return fail(JournalError::Kind::unreadable, offset + before + got,
                    "reading failed with error number " + std::to_string(error));
    if (got == size) return true;
    return fail(JournalError::Kind::cut, offset,
                std::string("the file ends within ") + what + " that begins here, " +
                    std::to_string(before + got) + " bytes on");
}

bool ReaderState::read_header() {
    int error = 0;
    const std::size_t got = read(stored, header_begin_size, error);
    if (error != 0)
        return fail(JournalError::Kind::unreadable, got,
                    "reading failed with error number " + std::to_string(error));
    if (std::memcmp(stored, magic, std::min(got, magic_size)) != 0 || got == 0)
        return fail(JournalError::Kind::not_a_journal, 0,
                    got == 0 ? "the file is empty" : "this is not a journal");
    if (got < header_begin_size) return fail(JournalError::Kind::cut, 0, "the file ends within the header");
    const auto version = get_fixed<std::uint32_t>(stored + 8);
    if (version != journal_version)
        return fail(JournalError::Kind::other_version, 8,
                    "this journal has version " + std::to_string(version) + ", and " +
                        std::to_string(journal_version) + " is what can be read");
    const auto size = get_fixed<std::uint32_t>(stored + 12);
    if (size > most_header_size)
        return fail(JournalError::Kind::damaged, 12,
                    "a header of " + std::to_string(size) + " bytes: there are none that large");
    if (!read_whole(stored + header_begin_size, size + checksum_size, header_begin_size, "the header"))
        return false;
    const std::size_t all = header_begin_size + size;
    checksum = checksum_of({stored, all}, 0);
    if (checksum != get_fixed<std::uint64_t>(stored + all))
        return fail(JournalError::Kind::damaged, 0, "the header's checksum is wrong");
    offset = all + checksum_size;

    std::memcpy(texts, stored + header_begin_size, size);
    std::memset(texts + size, 0, most_record_size);
    const std::byte* from = texts;
    const std::byte* const end = texts + size;
    for (std::string_view* text :
         {&header.policy, &header.clock_source, &header.event, &header.fingerprint, &header.command_line}) {
        std::uint64_t length = 0;
        from = get_varint(from, length);
        if (from == nullptr || from > end || length > static_cast<std::size_t>(end - from))
            return fail(JournalError::Kind::damaged, 12, "the header's strings are longer than the header");
        *text = {reinterpret_cast<const char*>(from), static_cast<std::size_t>(length)};
        from += length;
    }
    from = get_varint(from, header.quantum);
    if (from != nullptr && from <= end) from = get_varint(from, header.flags);
    if (from == nullptr || from != end)
        return fail(JournalError::Kind::damaged, 12, "the header's numbers do not end with the header");
    return true;
}

bool ReaderState::decompress() {
    const std::size_t size = block.stored.size() - block_header_size - checksum_size;
    const std::byte* const body = stored + block_header_size;
    if ((get_fixed<std::uint32_t>(stored + 4) & flag_zstd) == 0) {
        if (size != block.raw_size)
            return fail(JournalError::Kind::damaged, block.offset, "a stored block with two sizes");
        std::memcpy(raw, body, size);
        return true;
    }
    const std::size_t got = ZSTD_decompressDCtx(decompressor, raw, block.raw_size, body, size);
    if (ZSTD_isError(got) != 0 || got != block.raw_size)
        return fail(JournalError::Kind::damaged, block.offset,
                    "a block that does not decompress to what it says");
    return true;
}

bool ReaderState::read_block() {
    if (over) return false;
    pending = false;
    tag_at = tag_end;
    at = raw_end;
    int error = 0;
    const std::size_t got = read(stored, block_header_size, error);
    if (error != 0)
        return fail(JournalError::Kind::unreadable, offset + got,
                    "reading failed with error number " + std::to_string(error));
    if (last_block) {
        if (got != 0)
            return fail(JournalError::Kind::damaged, offset, "there are bytes after the journal's end");
        over = true;
        return false;
    }
    if (got == 0)
        return fail(JournalError::Kind::cut, offset,
                    "the file ends here, between blocks, and the journal does not");
    if (got < block_header_size)
        return fail(JournalError::Kind::cut, offset,
                    "the file ends within a block's header, " + std::to_string(got) + " bytes on");
    const auto flags = get_fixed<std::uint32_t>(stored + 4);
    const auto size = get_fixed<std::uint32_t>(stored + 8);
    const auto raw_size = get_fixed<std::uint32_t>(stored + 12);
    const auto records = get_fixed<std::uint32_t>(stored + 16);
    if (get_fixed<std::uint32_t>(stored) != block_magic)
        return fail(JournalError::Kind::damaged, offset, "no block begins here");
    // All of these bound the others, so that nothing larger than the reader's memory is ever believed.
    if (flags > (flag_zstd | flag_last) || raw_size > most_raw_size || size > raw_size ||
        records > raw_size || records == 0 || get_fixed<std::uint32_t>(stored + 20) != 0)
        return fail(JournalError::Kind::damaged, offset,
                    "a block's header with numbers that no writer writes");
    if (!read_whole(stored + block_header_size, size + checksum_size, block_header_size, "a block"))
        return false;
    const std::size_t all = block_header_size + size;
    const std::uint64_t sum = checksum_of({stored, all}, checksum);
    if (sum != get_fixed<std::uint64_t>(stored + all))
        return fail(JournalError::Kind::damaged, offset, "a block's checksum is wrong");
    checksum = sum;
    last_block = (flags & flag_last) != 0;
    block = {.offset = offset,
             .first_record = first_of_next,
             .records = records,
             .raw_size = raw_size,
             .stored = {stored, all + checksum_size}};
    first_of_next += records;
    offset += all + checksum_size;
    raw_bytes += raw_size;
    pending = true;
    return true;
}

bool ReaderState::begin_block() {
    if (!decompress()) return false;
    pending = false;
    std::memset(raw + block.raw_size, 0, most_record_size);
    tag_at = raw;
    tag_end = raw + block.records;
    at = raw + block.records;
    raw_end = raw + block.raw_size;
    clocks.begin_block();
    for (Slot& slot : slots)
        slot.clock = nullptr;
    next_slot = 0;
    last_address = 0;
    last_participant = 0;
    return true;
}

bool ReaderState::bad_record(const char* what) {
    return fail(JournalError::Kind::damaged, block.offset,
                std::string(what) + ", in the block that begins here, " + std::to_string(at - raw) +
                    " bytes into it");
}

bool ReaderState::bad_last_record(const char* what) {
    --tag_at;
    return bad_record(what);
}

bool ReaderState::next_literal(JournalRecord& record) {
    const std::byte* from = at;
    const auto tag = std::to_integer<unsigned>(*tag_at);
    record = {};
    record.kind = static_cast<JournalRecordKind>(*from++);
    if (static_cast<std::size_t>(record.kind) >= journal_record_kinds)
        return bad_record("a record of no known kind");
    bool good = true;
    const auto varint = [&] {
        std::uint64_t n = 0;
        if (good) from = get_varint(from, n);
        good = good && from != nullptr;
        return n;
    };
    const std::uint64_t participant = (tag & tag_same_participant) != 0 ? last_participant : varint();
    const std::uint64_t delta = varint();
    const std::uint64_t object = varint();
    record.result = unzigzag(varint());
    if ((tag & tag_address) != 0) {
        last_address += static_cast<std::uint64_t>(unzigzag(varint()));
        record.address = last_address;
    }
    if (!good || from > raw_end || participant >= most_journal_participants || object > UINT32_MAX)
        return bad_record("a record with numbers that no writer writes");
    if (record.kind == JournalRecordKind::operation) {
        record.operation = static_cast<OperationKind>(*from++);
        if (static_cast<std::size_t>(record.operation) >= operation_kinds)
            return bad_record("an operation of no known kind");
    }
    record.participant = last_participant = static_cast<ParticipantNumber>(participant);
    record.object = static_cast<ObjectNumber>(object);
    Count& clock = clocks.of(record.participant);
    clock += delta;
    record.clock = clock;
    if (is_shape(record.kind)) {
        slots[next_slot] = {.record = record, .clock = &clock, .delta = delta};
        next_slot = (next_slot + 1) % journal::slots;
    } else {
        record.value = varint();
        const std::uint64_t size = varint();
        if (!good || from > raw_end || size > static_cast<std::size_t>(raw_end - from))
            return bad_record("a record that is longer than its block");
        record.bytes = {from, static_cast<std::size_t>(size)};
        from += size;
    }
    if (from > raw_end) return bad_record("a record that is longer than its block");
    at = from;
    ++tag_at;
    return true;
}

bool ReaderState::next_slowly(JournalRecord& record) {
    while (tag_at == tag_end) {
        if (pending) {
            if (!begin_block()) return false;
            continue;
        }
        if (over) return false;
        if (at != raw_end) return bad_record("a block with more than its records");
        if (!read_block()) return false;
    }
    const bool is_last = last_block && tag_at + 1 == tag_end;
    if ((std::to_integer<unsigned>(*tag_at) & tag_slot) == tag_literal) {
        if (!next_literal(record)) return false;
        if ((record.kind == JournalRecordKind::end) != is_last)
            return bad_last_record(is_last ? "a journal that does not end with its end"
                                           : "an end before the end");
    } else if (is_last || !next_of_slot(record)) {
        return bad_record("a record like one that there was not");
    }
    if (at > raw_end) return bad_last_record("a record that is longer than its block");
    return true;
}

}  // namespace journal

tl::expected<JournalReader, JournalError> JournalReader::open(JournalSource& source, std::string name,
                                                              std::pmr::memory_resource* memory) {
    const std::size_t stored_size =
        std::max(header_begin_size + most_header_size, block_header_size + most_raw_size) + checksum_size;
    const std::size_t raw_size = most_raw_size + most_record_size;
    const std::size_t texts_size = most_header_size + most_record_size;
    const std::size_t workspace_size = ZSTD_estimateDCtxSize();
    const std::size_t size = aligned(sizeof(State)) + aligned(stored_size) + aligned(raw_size) +
                             aligned(texts_size) + aligned(workspace_size) + aligned(Clocks::memory_size);
    JournalReader reader;
    reader.memory_ = memory;
    Parts parts(memory->allocate(size, alignment));
    reader.state_ = new (parts.take(sizeof(State))) State;
    State& s = *reader.state_;
    s.memory_size = size;
    s.source = &source;
    s.name = std::move(name);
    s.stored = parts.take(stored_size);
    s.raw = parts.take(raw_size);
    s.at = s.raw_end = s.raw;
    s.texts = parts.take(texts_size);
    s.decompressor = ZSTD_initStaticDCtx(parts.take(workspace_size), workspace_size);
    s.clocks.use(parts.take(Clocks::memory_size));
    if (!s.read_header()) return tl::make_unexpected(*s.trouble);
    return reader;
}

JournalReader::JournalReader(JournalReader&& other) noexcept
    : memory_(other.memory_), state_(std::exchange(other.state_, nullptr)) {}

JournalReader& JournalReader::operator=(JournalReader&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(state_, other.state_);
    return *this;
}

JournalReader::~JournalReader() {
    if (state_ == nullptr) return;
    const std::size_t size = state_->memory_size;
    state_->~State();
    memory_->deallocate(state_, size, alignment);
}

const JournalHeader& JournalReader::header() const noexcept {
    return state_->header;
}
std::uint64_t JournalReader::index() const noexcept {
    return state_->index() - 1;
}

bool JournalReader::next(JournalRecord& record) {
    State& s = *state_;
    // Most records: one byte, or one and a number.
    if (s.tag_end - s.tag_at > 1 && s.next_of_slot(record)) [[likely]] {
        if (s.at > s.raw_end) [[unlikely]]
            return s.bad_last_record("a record that is longer than its block");
        return true;
    }
    return s.next_slowly(record);
}

const std::optional<JournalError>& JournalReader::trouble() const noexcept {
    return state_->trouble;
}

bool JournalReader::next_block() {
    return state_->read_block();
}

const JournalBlock& JournalReader::block() const noexcept {
    return state_->block;
}
std::uint64_t JournalReader::records() const noexcept {
    return state_->index();
}
std::uint64_t JournalReader::bytes() const noexcept {
    return state_->offset;
}
std::uint64_t JournalReader::raw_bytes() const noexcept {
    return state_->raw_bytes;
}

bool begins_as_journal(std::span<const std::byte> beginning) noexcept {
    return beginning.size() >= magic_size && std::memcmp(beginning.data(), magic, magic_size) == 0;
}

}  // namespace escapement
