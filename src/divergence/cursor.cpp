#include "divergence/cursor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace escapement::divergence {

namespace {

constexpr std::size_t smallest_chunk = 256;
constexpr std::size_t header_size = 12;

using Kind = QemuLogError::Kind;

std::string advice_for(Kind kind) {
    switch (kind) {
        case Kind::unreadable:
            return "check that the file can be read, and the disk under it";
        case Kind::not_a_log:
            return "give the file named by rrfile= of a recording";
        case Kind::other_version:
            return fmt::format("record again with QEMU 7.2 to 10.0 (version 0x{:06x})", qemu_log_version);
        case Kind::not_closed:
            return "if QEMU is still recording let it end; if it was killed record again and end it by its "
                   "guest, by "
                   "the monitor's quit or by SIGTERM";
        case Kind::truncated:
            return "copy the file again, or check for a full disk and record again";
        case Kind::damaged:
            return "copy the file again, or record again";
    }
    return {};
}

}  // namespace

Cursor::Cursor(std::istream& log, std::string name, std::size_t expected_size)
    : log_(&log), name_(std::move(name)), buffer_(std::clamp(expected_size, smallest_chunk, largest_chunk)) {
    event_ = at_ = end_ = buffer_.data();
}

QemuLogError Cursor::error(Kind kind, std::uint64_t offset, std::string what) const {
    return {kind, name_, offset, std::move(what), advice_for(kind)};
}

std::optional<QemuLogError> Cursor::open() {
    const bool whole = need(header_size);
    const auto size = static_cast<std::size_t>(end_ - event_);
    if (stream_failed_) return error(Kind::unreadable, size, "reading failed");
    if (size == 0)
        return error(Kind::not_closed, 0,
                     "the file is empty: the recording was not closed, nothing of it was written");
    const std::byte* header = event_;
    if (!whole) {
        return error(Kind::not_a_log, 0,
                     fmt::format("{} bytes are too few for a QEMU replay log, its header alone has {}", size,
                                 header_size));
    }
    const std::uint32_t version = big_endian_32(header);
    closed_ = version != 0;
    if (closed_ && version != qemu_log_version) {
        if (version >> 8 == qemu_log_version >> 8) {
            return error(Kind::other_version, 0,
                         fmt::format("written by a QEMU with replay version 0x{:06x}, not 0x{:06x}", version,
                                     qemu_log_version));
        }
        return error(Kind::not_a_log, 0,
                     fmt::format("not a QEMU replay log (it begins with 0x{:08x}, not with version 0x{:08x})",
                                 version, qemu_log_version));
    }
    if (const std::uint64_t reserved = big_endian_64(header + 4); reserved != 0) {
        return error(closed_ ? Kind::damaged : Kind::not_a_log, 4,
                     fmt::format("the header's reserved bytes are 0x{:016x}, not zero", reserved));
    }
    at_ = event_ = header + header_size;
    return std::nullopt;
}

bool Cursor::need(std::size_t size) {
    while (static_cast<std::size_t>(end_ - event_) < size) {
        const auto have = static_cast<std::size_t>(end_ - event_);
        buffer_offset_ = offset_of(event_);
        std::memmove(buffer_.data(), event_, have);
        // Grown only as far as bytes have really come, so that a made-up length cannot ask for memory.
        if (have > buffer_.size() / 2) buffer_.resize(buffer_.size() * 2);
        event_ = at_ = buffer_.data();
        end_ = buffer_.data() + have;
        std::size_t got = 0;
        try {
            log_->read(reinterpret_cast<char*>(buffer_.data() + have),
                       static_cast<std::streamsize>(buffer_.size() - have));
            got = static_cast<std::size_t>(log_->gcount());
        } catch (const std::ios_base::failure&) {
            // The caller's stream was set to throw; its state tells the same.
            got = static_cast<std::size_t>(log_->gcount());
        }
        if (log_->bad()) stream_failed_ = true;
        if (got == 0) return false;
        end_ += got;
    }
    return true;
}

Step Cursor::fail(Kind kind, std::uint64_t offset, std::string what) {
    over_ = true;
    if (!closed_ && kind == Kind::damaged)
        what += " (and the recording was not closed: its header is not written)";
    trouble_ = error(kind, offset, std::move(what));
    end_ = at_ = event_;
    --index_;
    return Step::over;
}

Step Cursor::cut_short() {
    const auto left = static_cast<std::size_t>(end_ - event_);
    const std::uint64_t here = offset_of(event_);
    if (stream_failed_) return fail(Kind::unreadable, here + left, "reading failed");
    const std::string where =
        left == 0 ? fmt::format("it ends after {} event{}", index_ - 1, index_ == 2 ? "" : "s")
                  : fmt::format("it ends in the middle of event {} ({})", index_ - 1,
                                kind_name(static_cast<QemuEventKind>(*event_)));
    if (!closed_)
        return fail(Kind::not_closed, here + left,
                    "the recording was not closed: " + where + ", without END");
    return fail(Kind::truncated, here + left, "the log was cut: " + where + ", without END");
}

Step Cursor::next_slowly() {
    if (over_) {
        --index_;
        return Step::over;
    }
    if (!need(1)) return cut_short();
    kind_ = static_cast<QemuEventKind>(*event_);
    if (static_cast<std::size_t>(kind_) >= qemu_event_kinds) {
        return fail(
            Kind::damaged, offset_of(event_),
            fmt::format("event {} has the unknown kind {}", index_ - 1, static_cast<unsigned>(kind_)));
    }
    const std::optional<std::size_t> size = find_payload_size();
    if (!size) return Step::over;
    if (!need(1 + *size)) return cut_short();
    if (kind_ == QemuEventKind::instruction) {
        const std::uint32_t count = big_endian_32(payload());
        if (!plausible_count(count)) {
            return fail(Kind::damaged, offset_of(event_),
                        fmt::format("event {} claims that {} instructions ran", index_ - 1, count));
        }
        icount_ += count;
    }
    payload_size_ = static_cast<std::uint32_t>(*size);
    at_ = event_ + 1 + *size;
    return kind_ == QemuEventKind::end ? end_of_log() : Step::event;
}

Step Cursor::end_of_log() {
    // END itself is an event; the trouble that may come with it is told afterwards.
    over_ = true;
    const std::uint64_t after = offset_of(at_);
    const bool more = need(2);
    at_ = event_ + 1;
    if (more) {
        trouble_ = error(Kind::damaged, after, "there are bytes after END");
    } else if (stream_failed_) {
        trouble_ = error(Kind::unreadable, after, "reading failed");
    } else if (!closed_) {
        trouble_ = error(Kind::not_closed, 0,
                         "the recording was not closed: END is there, but the header is not written");
    }
    end_ = at_;
    return Step::event;
}

std::optional<std::size_t> Cursor::missing_bytes() {
    cut_short();
    return std::nullopt;
}

std::optional<std::size_t> Cursor::find_array_size(std::size_t length_at) {
    if (!need(1 + length_at + 4)) return missing_bytes();
    const std::size_t length = big_endian_32(payload() + length_at);
    if (length > QemuLogReader::largest_payload) {
        fail(Kind::damaged, offset_of(event_),
             fmt::format("event {} ({}) claims a payload of {} bytes", index_ - 1, kind_name(kind_), length));
        return std::nullopt;
    }
    return length_at + 4 + length;
}

std::optional<std::size_t> Cursor::find_input_size() {
    // replay/replay-input.c; the numbers are InputEventKind and KeyValueKind of qapi/ui.json.
    if (!need(1 + 4)) return missing_bytes();
    const std::uint32_t type = big_endian_32(payload());
    switch (type) {
        case 0: {
            if (!need(1 + 8)) return missing_bytes();
            const std::uint32_t key = big_endian_32(payload() + 4);
            if (key <= 1) return 4 + 4 + (key == 0 ? 8 : 4) + 1;
            fail(Kind::damaged, offset_of(event_),
                 fmt::format("event {} (input) names the unknown kind of key {}", index_ - 1, key));
            return std::nullopt;
        }
        case 1:
            return 4 + 4 + 1;
        case 2:
        case 3:
            return 4 + 4 + 8;
        case 4:
            return 4 + 4 + 8 + 8 + 4 + 8;
        default:
            fail(Kind::damaged, offset_of(event_),
                 fmt::format("event {} (input) has the unknown type {}", index_ - 1, type));
            return std::nullopt;
    }
}

std::optional<std::size_t> Cursor::find_payload_size() {
    const std::uint8_t fixed = fixed_payload_sizes[static_cast<std::size_t>(kind_)];
    if (fixed != variable_size) return fixed;
    switch (kind_) {
        case QemuEventKind::input:
            return find_input_size();
        case QemuEventKind::char_read:
            return find_array_size(1);
        case QemuEventKind::net:
            return find_array_size(1 + 4);
        case QemuEventKind::char_read_all:
            return find_array_size(0);
        case QemuEventKind::random:
            return find_array_size(4);
        case QemuEventKind::audio_in: {
            // Two numbers, then a pair of numbers a sample. QEMU writes no samples when as many came as its
            // ring holds (replay/replay-audio.c); the ring's size is not in the log, so such an event reads
            // as damage.
            if (!need(1 + 8)) return missing_bytes();
            const std::uint64_t samples = big_endian_64(payload());
            if (samples > QemuLogReader::largest_payload / 16) {
                fail(Kind::damaged, offset_of(event_),
                     fmt::format("event {} ({}) claims {} samples", index_ - 1, kind_name(kind_), samples));
                return std::nullopt;
            }
            return 8 + 8 + 16 * static_cast<std::size_t>(samples);
        }
        default:
            return 0;  // END
    }
}

}  // namespace escapement::divergence
