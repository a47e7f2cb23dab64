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
    const char* advice = kind == JournalError::Kind::cut          ? advice_cut
                         : kind == JournalError::Kind::damaged    ? advice_damaged
                         : kind == JournalError::Kind::unreadable ? "check the disk and the permissions"
                         : kind == JournalError::Kind::other_version
                             ? "read it with the Escapement that wrote it"
                             : "check the name";
    trouble = JournalError{kind, name, where, index(), std::move(what), advice};
    first_of_next = index();
    pending = false;
    decoder.pass_over();
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
    decoder.pass_over();
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

bool ReaderState::bad_record(const char* what) {
    return fail(JournalError::Kind::damaged, block.offset,
                std::string(what) + ", in the block that begins here, " + std::to_string(decoder.at()) +
                    " bytes into it");
}

std::size_t ReaderState::decode() {
    while (true) {
        if (pending) {
            if (!decompress()) return 0;
            pending = false;
            std::memset(raw + block.raw_size, 0, BlockDecoder::slack);
            decoder.begin(raw, block.raw_size, block.records, last_block);
        }
        const std::size_t count = decoder.next(decoded);
        if (count != 0) return count;
        if (over) return 0;
        if (const char* what = decoder.trouble()) return bad_record(what), 0;
        if (!decoder.complete()) return bad_record("a block with more than its records"), 0;
        if (!read_block()) return 0;
    }
}

}  // namespace journal

tl::expected<JournalReader, JournalError> JournalReader::open(JournalSource& source, std::string name,
                                                              std::pmr::memory_resource* memory) {
    const std::size_t stored_size =
        std::max(header_begin_size + most_header_size, block_header_size + most_raw_size) + checksum_size;
    const std::size_t raw_size = most_raw_size + BlockDecoder::slack;
    const std::size_t texts_size = most_header_size + most_record_size;
    const std::size_t workspace_size = ZSTD_estimateDCtxSize();
    const std::size_t size = aligned(sizeof(State)) + aligned(stored_size) + aligned(raw_size) +
                             aligned(texts_size) + aligned(workspace_size) +
                             aligned(BlockDecoder::memory_size);
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
    s.texts = parts.take(texts_size);
    s.decompressor = ZSTD_initStaticDCtx(parts.take(workspace_size), workspace_size);
    s.decoder.use(parts.take(BlockDecoder::memory_size));
    if (!s.read_header()) return tl::make_unexpected(*s.trouble);
    return reader;
}

JournalReader::JournalReader(JournalReader&& other) noexcept
    : memory_(other.memory_),
      state_(std::exchange(other.state_, nullptr)),
      next_(other.next_),
      decoded_end_(other.decoded_end_) {}

JournalReader& JournalReader::operator=(JournalReader&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(state_, other.state_);
    std::swap(next_, other.next_);
    std::swap(decoded_end_, other.decoded_end_);
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
    return records() - 1;
}

bool JournalReader::decode() {
    next_ = state_->decoded.data();
    decoded_end_ = next_ + state_->decode();
    return next_ != decoded_end_;
}

const std::optional<JournalError>& JournalReader::trouble() const noexcept {
    return state_->trouble;
}

bool JournalReader::next_block() {
    next_ = decoded_end_;
    return state_->read_block();
}

const JournalBlock& JournalReader::block() const noexcept {
    return state_->block;
}
std::uint64_t JournalReader::records() const noexcept {
    return state_->index() - static_cast<std::uint64_t>(decoded_end_ - next_);
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
