#pragma once
// Walks over the events of one log with one buffer. This is the fast inside of QemuLogReader and of the
// comparison: most events have a payload of fixed size and lie wholly in the buffer, and are stepped over
// inline.

#include <escapement/qemu_log.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <istream>
#include <optional>
#include <span>
#include <streambuf>
#include <string>
#include <vector>

namespace escapement::divergence {

enum class Step : std::uint8_t { event, over };

/// Payload sizes by kind; the rest is for the slow path to find out.
inline constexpr std::uint8_t variable_size = 0xff;
inline constexpr std::array<std::uint8_t, 256> fixed_payload_sizes = [] {
    std::array<std::uint8_t, 256> sizes{};
    sizes.fill(variable_size);
    const auto set = [&sizes](QemuEventKind first, QemuEventKind last, std::uint8_t size) {
        for (auto kind = static_cast<std::size_t>(first); kind <= static_cast<std::size_t>(last); ++kind)
            sizes.at(kind) = size;
    };
    using enum QemuEventKind;
    set(instruction, instruction, 4);
    set(interrupt, exception, 0);
    set(bottom_half, bottom_half_oneshot, 8);
    set(input_sync, input_sync, 0);
    set(block, block, 8);
    set(shutdown_first, shutdown_last, 0);
    set(char_write, char_write, 8);
    set(char_read_all_error, char_read_all_error, 4);
    set(audio_out, audio_out, 8);
    set(clock_host, clock_virtual_rt, 8);
    set(checkpoint_first, checkpoint_last, 0);
    return sizes;  // END stays variable: what follows it has to be looked at.
}();

[[nodiscard]] inline std::uint32_t big_endian_32(const std::byte* at) noexcept {
    return std::to_integer<std::uint32_t>(at[0]) << 24 | std::to_integer<std::uint32_t>(at[1]) << 16 |
           std::to_integer<std::uint32_t>(at[2]) << 8 | std::to_integer<std::uint32_t>(at[3]);
}

[[nodiscard]] inline std::uint64_t big_endian_64(const std::byte* at) noexcept {
    return std::uint64_t{big_endian_32(at)} << 32 | big_endian_32(at + 4);
}

class Cursor {
  public:
    static constexpr std::size_t largest_chunk = std::size_t{256} << 10;

    /// `expected_size` saves memory for small logs; being wrong costs nothing but time.
    Cursor(std::istream& log, std::string name, std::size_t expected_size = largest_chunk);
    Cursor(Cursor&&) = default;  // A moved vector keeps its place in memory.
    Cursor& operator=(Cursor&&) = default;
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    ~Cursor() = default;

    /// Reads the header.
    [[nodiscard]] std::optional<QemuLogError> open();

    [[nodiscard]] Step next() {
        ++index_;
        event_ = at_;
        if (static_cast<std::size_t>(end_ - at_) >= longest_fixed && step_over_fixed()) [[likely]]
            return Step::event;
        return next_slowly();
    }

    /// As next(), but only if the event is one of fixed size that lies before `limit`, a place in the buffer;
    /// otherwise nothing happens and the answer is false.
    [[nodiscard]] bool next_before(const std::byte* limit) {
        if (limit - at_ < static_cast<std::ptrdiff_t>(longest_fixed)) return false;
        const std::byte* const previous = event_;
        event_ = at_;
        if (!step_over_fixed()) {
            event_ = previous;
            return false;
        }
        ++index_;
        return true;
    }

    /// Goes where `other` has gone over the same bytes: `size` of them, `events` events, `instructions`
    /// instructions.
    void follow(const Cursor& other, std::size_t size, std::uint64_t events,
                std::uint64_t instructions) noexcept {
        at_ += size;
        event_ = at_ - (other.at_ - other.event_);
        index_ += events;
        icount_ += instructions;
        kind_ = other.kind_;
        payload_size_ = other.payload_size_;
    }

    /// What is read already and not yet walked over.
    [[nodiscard]] std::span<const std::byte> ahead() const noexcept { return {at_, end_}; }

    // Of the event that next() stood on last.
    [[nodiscard]] QemuEventKind kind() const noexcept { return kind_; }
    [[nodiscard]] std::uint32_t payload_size() const noexcept { return payload_size_; }
    [[nodiscard]] const std::byte* payload() const noexcept { return event_ + 1; }
    [[nodiscard]] std::uint64_t index() const noexcept { return index_ - 1; }
    [[nodiscard]] std::uint64_t next_index() const noexcept { return index_; }
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_of(event_); }
    [[nodiscard]] std::uint64_t icount() const noexcept { return icount_; }
    [[nodiscard]] QemuEvent event() const noexcept {
        return {index(), offset(), icount(), kind_, {payload(), payload_size_}};
    }
    /// Copies the event to `record`. Inline and branch-free for payloads of fixed size: the comparison keeps
    /// every event for a while.
    void record_into(QemuEventRecord& record) const noexcept {
        record.index = index();
        record.offset = offset();
        record.icount = icount_;
        record.payload_size = payload_size_;
        record.kind = kind_;
        if (payload_size_ <= 8 && end_ - event_ > 8) [[likely]] {
            std::memcpy(record.payload.data(), payload(), 8);
        } else {
            std::memcpy(record.payload.data(), payload(),
                        std::min<std::size_t>(payload_size_, QemuEventRecord::kept));
        }
    }
    [[nodiscard]] QemuEventRecord record() const noexcept {
        QemuEventRecord record;
        record_into(record);
        return record;
    }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Bytes of the log that were understood.
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return offset_of(at_); }
    [[nodiscard]] const std::optional<QemuLogError>& trouble() const noexcept { return trouble_; }

  private:
    static constexpr std::size_t longest_fixed = 1 + 8;

    /// QEMU writes a positive int (replay_advance_current_icount).
    static bool plausible_count(std::uint32_t count) noexcept { return count - 1 < 0x7fffffffU; }

    /// Of the event at event_, all of which is in the buffer. Which kind comes next cannot be predicted, so
    /// nothing here branches on it except for what is rare.
    [[nodiscard]] bool step_over_fixed() noexcept {
        const auto kind = static_cast<QemuEventKind>(*event_);
        const std::uint8_t size = fixed_payload_sizes[std::to_integer<std::size_t>(*event_)];
        const std::uint32_t count = big_endian_32(event_ + 1);
        const bool counts = kind == QemuEventKind::instruction;
        const bool rare = (size == variable_size) | (counts & !plausible_count(count));
        if (rare) [[unlikely]]
            return false;
        kind_ = kind;
        payload_size_ = size;
        icount_ += count & (std::uint32_t{0} - std::uint32_t{counts});
        at_ = event_ + 1 + size;
        return true;
    }

    Step next_slowly();
    Step end_of_log();
    Step fail(QemuLogError::Kind kind, std::uint64_t offset, std::string what);
    Step cut_short();
    /// Sees to it that `size` bytes from the event's first on are in the buffer; false if the log has fewer.
    bool need(std::size_t size);
    /// The payload's size; nullopt after a failure.
    std::optional<std::size_t> find_payload_size();
    std::optional<std::size_t> find_input_size();
    std::optional<std::size_t> find_array_size(std::size_t length_at);
    std::optional<std::size_t> missing_bytes();
    [[nodiscard]] std::uint64_t offset_of(const std::byte* place) const noexcept {
        return buffer_offset_ + static_cast<std::uint64_t>(place - buffer_.data());
    }
    [[nodiscard]] QemuLogError error(QemuLogError::Kind kind, std::uint64_t offset, std::string what) const;

    std::istream* log_;
    std::string name_;
    std::vector<std::byte> buffer_;
    std::uint64_t buffer_offset_ = 0;  ///< of the buffer's first byte in the file
    const std::byte* event_ = nullptr;
    const std::byte* at_ = nullptr;   ///< behind the event
    const std::byte* end_ = nullptr;  ///< of what was read
    std::uint64_t index_ = 0;
    std::uint64_t icount_ = 0;
    std::uint32_t payload_size_ = 0;
    QemuEventKind kind_ = QemuEventKind::end;
    bool closed_ = true;  ///< the header was written
    bool over_ = false;
    bool stream_failed_ = false;
    std::optional<QemuLogError> trouble_;
};

/// Lets a range of bytes be read like a file.
class SpanBuffer : public std::streambuf {
  public:
    explicit SpanBuffer(std::span<const std::byte> bytes) {
        // A streambuf wants to be able to write; nobody does.
        char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
        setg(begin, begin, begin + bytes.size());
    }
};

}  // namespace escapement::divergence
