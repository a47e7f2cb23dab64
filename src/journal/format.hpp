#pragma once
// What writer and reader agree on; told in words in journal.hpp.

#include <escapement/journal_record.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace escapement::journal {

inline constexpr char magic[] = "ESCAPEJ\n";
inline constexpr std::size_t magic_size = 8;
inline constexpr std::size_t header_begin_size = 16;  ///< magic, version, size
inline constexpr std::size_t most_header_size = std::size_t{64} << 10;
inline constexpr std::size_t most_header_text = std::size_t{8} << 10;

inline constexpr std::uint32_t block_magic = 0x4b4c4245;  // "EBLK"
inline constexpr std::size_t block_header_size = 24;
inline constexpr std::size_t checksum_size = 8;
inline constexpr std::size_t most_raw_size = std::size_t{256} << 10;
inline constexpr std::size_t most_block_size = std::size_t{128} << 10;
/// No record is longer, its bytes left out: tag, operation, size and seven varints of ten bytes.
inline constexpr std::size_t most_record_size = 96;

inline constexpr std::uint32_t flag_zstd = 1;
inline constexpr std::uint32_t flag_last = 2;

inline constexpr std::uint8_t tag_slot = 0x3f;
inline constexpr std::uint8_t tag_literal = 0x3f;  ///< in place of a slot; then:
inline constexpr std::uint8_t tag_address = 0x80;
inline constexpr std::uint8_t tag_same_participant = 0x40;
inline constexpr std::size_t slots = 63;
/// A tag's upper two bits: how many bytes the delta has.
inline constexpr unsigned tag_width_shift = 6;
/// 0, 1, 2 or 4. Arithmetic, where a table would have to be looked up.
[[nodiscard]] constexpr unsigned width_of(unsigned code) noexcept {
    return (1U << code) >> 1;
}

/// Kinds that have neither value nor bytes, and go into slots.
[[nodiscard]] constexpr bool is_shape(JournalRecordKind kind) noexcept {
    return kind <= JournalRecordKind::poll_ready;
}

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t n) noexcept {
    return static_cast<std::uint64_t>(n) << 1 ^ static_cast<std::uint64_t>(n >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t n) noexcept {
    return static_cast<std::int64_t>(n >> 1 ^ (~(n & 1) + 1));
}

/// At most ten bytes.
inline std::byte* put_varint(std::byte* at, std::uint64_t n) noexcept {
    while (n >= 0x80) {
        *at++ = static_cast<std::byte>(n | 0x80);
        n >>= 7;
    }
    *at++ = static_cast<std::byte>(n);
    return at;
}

/// nullptr if it is longer than ten bytes. Reads no more than ten.
inline const std::byte* get_varint(const std::byte* at, std::uint64_t& n) noexcept {
    auto byte = std::to_integer<std::uint64_t>(*at++);
    n = byte & 0x7f;
    if (byte < 0x80) [[likely]]
        return at;
    for (unsigned shift = 7; shift < 70; shift += 7) {
        byte = std::to_integer<std::uint64_t>(*at++);
        n |= (byte & 0x7f) << shift;
        if (byte < 0x80) return at;
    }
    return nullptr;
}

static_assert(std::endian::native == std::endian::little);  // As are both processors that there are.

template <typename Number>
inline void put_fixed(std::byte* at, Number n) noexcept {
    std::memcpy(at, &n, sizeof n);
}
template <typename Number>
[[nodiscard]] inline Number get_fixed(const std::byte* at) noexcept {
    Number n = 0;
    std::memcpy(&n, at, sizeof n);
    return n;
}

/// XXH3-64.
[[nodiscard]] std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint64_t seed) noexcept;

/// Participants' clocks since a block began. Memory for all participants is set aside, and touched only for
/// those that there are.
class Clocks {
  public:
    static constexpr std::size_t page_size = 256;
    static constexpr std::size_t pages = most_journal_participants / page_size;
    struct Entry {
        Count clock;
        std::uint64_t block;
    };
    static constexpr std::size_t memory_size = pages * page_size * sizeof(Entry);

    void use(std::byte* memory) noexcept { memory_ = memory; }
    void begin_block() noexcept { ++block_; }

    [[nodiscard]] Count& of(ParticipantNumber participant) noexcept {
        Entry*& page = pages_[participant / page_size];
        if (page == nullptr) [[unlikely]] {
            page = reinterpret_cast<Entry*>(memory_) + (participant / page_size) * page_size;
            std::memset(static_cast<void*>(page), 0, page_size * sizeof(Entry));
        }
        Entry& entry = page[participant % page_size];
        if (entry.block != block_) [[unlikely]]
            entry = {.clock = 0, .block = block_};
        return entry.clock;
    }

  private:
    std::byte* memory_ = nullptr;
    std::uint64_t block_ = 1;
    Entry* pages_[pages] = {};
};

}  // namespace escapement::journal
