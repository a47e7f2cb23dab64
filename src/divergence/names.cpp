// The names of QEMU's events, and their payloads in words.

#include "divergence/cursor.hpp"

#include <escapement/qemu_log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

namespace escapement {

namespace {

// enum ReplayEvents, ReplayAsyncEventKind (replay/replay-internal.h), ShutdownCause (qapi/run-state.json) and
// ReplayCheckpoint (include/sysemu/replay.h), in QEMU's order. SHUTDOWN_LAST is __MAX itself, a cause that
// none is.
constexpr std::array<const char*, qemu_event_kinds> names{
    "INSTRUCTION",
    "INTERRUPT",
    "EXCEPTION",
    "ASYNC_BH",
    "ASYNC_BH_ONESHOT",
    "ASYNC_INPUT",
    "ASYNC_INPUT_SYNC",
    "ASYNC_CHAR_READ",
    "ASYNC_BLOCK",
    "ASYNC_NET",
    "SHUTDOWN_NONE",
    "SHUTDOWN_HOST_ERROR",
    "SHUTDOWN_HOST_QMP_QUIT",
    "SHUTDOWN_HOST_QMP_SYSTEM_RESET",
    "SHUTDOWN_HOST_SIGNAL",
    "SHUTDOWN_HOST_UI",
    "SHUTDOWN_GUEST_SHUTDOWN",
    "SHUTDOWN_GUEST_RESET",
    "SHUTDOWN_GUEST_PANIC",
    "SHUTDOWN_SUBSYSTEM_RESET",
    "SHUTDOWN_SNAPSHOT_LOAD",
    "SHUTDOWN_11",
    "CHAR_WRITE",
    "CHAR_READ_ALL",
    "CHAR_READ_ALL_ERROR",
    "AUDIO_OUT",
    "AUDIO_IN",
    "RANDOM",
    "CLOCK_HOST",
    "CLOCK_VIRTUAL_RT",
    "CHECKPOINT_CLOCK_WARP_START",
    "CHECKPOINT_CLOCK_WARP_ACCOUNT",
    "CHECKPOINT_RESET_REQUESTED",
    "CHECKPOINT_SUSPEND_REQUESTED",
    "CHECKPOINT_CLOCK_VIRTUAL",
    "CHECKPOINT_CLOCK_HOST",
    "CHECKPOINT_CLOCK_VIRTUAL_RT",
    "CHECKPOINT_INIT",
    "CHECKPOINT_RESET",
    "END",
};

/// Takes numbers off the beginning of a payload; what was not kept reads as zero.
class PayloadReader {
  public:
    explicit PayloadReader(std::span<const std::byte> kept) : kept_(kept) {}

    std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
    std::uint32_t dword() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t qword() { return number(8); }
    std::int32_t signed_dword() { return static_cast<std::int32_t>(dword()); }
    std::int64_t signed_qword() { return static_cast<std::int64_t>(qword()); }
    [[nodiscard]] std::span<const std::byte> rest() const { return kept_; }

  private:
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            value = value << 8 | (i < kept_.size() ? std::to_integer<std::uint64_t>(kept_[i]) : 0);
        kept_ = kept_.subspan(std::min(bytes, kept_.size()));
        return value;
    }

    std::span<const std::byte> kept_;
};

std::string bytes_in_words(PayloadReader& payload) {
    constexpr std::size_t shown = 16;
    const std::uint32_t size = payload.dword();
    std::string text = fmt::format("{} byte{}", size, size == 1 ? "" : "s");
    std::string letters;
    const auto bytes = payload.rest().first(std::min<std::size_t>(payload.rest().size(), shown));
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<unsigned char>(byte);
        fmt::format_to(std::back_inserter(text), "{}{:02x}", letters.empty() ? ": " : " ", value);
        letters += value >= 0x20 && value < 0x7f ? static_cast<char>(value) : '.';
    }
    if (bytes.size() < size) text += " ...";
    if (!letters.empty()) text += " |" + letters + "|";
    return text;
}

/// Nanoseconds as seconds, with a sign if need be.
std::string seconds(std::int64_t nanoseconds) {
    constexpr std::uint64_t second = 1'000'000'000;
    const auto magnitude = nanoseconds < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(nanoseconds)
                                           : static_cast<std::uint64_t>(nanoseconds);
    return fmt::format("{}{}.{:09} s", nanoseconds < 0 ? "-" : "", magnitude / second, magnitude % second);
}

std::string input_in_words(PayloadReader& payload) {
    switch (const std::uint32_t type = payload.dword(); type) {
        case 0: {
            const bool by_number = payload.dword() == 0;
            const std::int64_t key = by_number ? payload.signed_qword() : payload.signed_dword();
            return fmt::format("key {} {} {}", by_number ? "number" : "qcode", key,
                               payload.byte() != 0 ? "down" : "up");
        }
        case 1: {
            const std::uint32_t button = payload.dword();
            return fmt::format("button {} {}", button, payload.byte() != 0 ? "down" : "up");
        }
        case 2:
        case 3: {
            const std::uint32_t axis = payload.dword();
            return fmt::format("{} axis {} value {}", type == 2 ? "relative" : "absolute", axis,
                               payload.signed_qword());
        }
        default: {
            const std::uint32_t touch = payload.dword();
            const std::int64_t slot = payload.signed_qword();
            const std::int64_t tracking = payload.signed_qword();
            const std::uint32_t axis = payload.dword();
            return fmt::format("touch {} slot {} tracking {} axis {} value {}", touch, slot, tracking, axis,
                               payload.signed_qword());
        }
    }
}

std::string describe(QemuEventKind kind, std::span<const std::byte> kept) {
    PayloadReader payload(kept);
    switch (kind) {
        case QemuEventKind::instruction:
            return fmt::format("{} instructions", payload.dword());
        case QemuEventKind::bottom_half:
        case QemuEventKind::bottom_half_oneshot:
            return fmt::format("queued at instruction {}", payload.qword());
        case QemuEventKind::block:
            return fmt::format("request {}", payload.qword());
        case QemuEventKind::input:
            return input_in_words(payload);
        case QemuEventKind::char_read: {
            const unsigned device = payload.byte();
            return fmt::format("device {}, {}", device, bytes_in_words(payload));
        }
        case QemuEventKind::net: {
            const unsigned filter = payload.byte();
            const std::uint32_t flags = payload.dword();
            return fmt::format("filter {}, flags {:#x}, {}", filter, flags, bytes_in_words(payload));
        }
        case QemuEventKind::char_write: {
            const std::int32_t result = payload.signed_dword();
            return fmt::format("result {}, {} written", result, payload.signed_dword());
        }
        case QemuEventKind::char_read_all:
            return bytes_in_words(payload);
        case QemuEventKind::char_read_all_error:
            return fmt::format("error {}", payload.signed_dword());
        case QemuEventKind::audio_out:
            return fmt::format("{} samples played", payload.qword());
        case QemuEventKind::audio_in: {
            const std::uint64_t samples = payload.qword();
            return fmt::format("{} samples recorded, place {}", samples, payload.qword());
        }
        case QemuEventKind::random: {
            const std::int32_t result = payload.signed_dword();
            return fmt::format("result {}, {}", result, bytes_in_words(payload));
        }
        case QemuEventKind::clock_host:
        case QemuEventKind::clock_virtual_rt:
            return seconds(payload.signed_qword());
        default:
            return {};
    }
}

}  // namespace

const char* kind_name(QemuEventKind kind) noexcept {
    const auto number = static_cast<std::size_t>(kind);
    return number < names.size() ? names[number] : "UNKNOWN";
}

std::string describe_payload(const QemuEvent& event) {
    return describe(event.kind, event.payload);
}

std::string describe_payload(const QemuEventRecord& event) {
    const auto kept = std::min<std::size_t>(event.payload_size, QemuEventRecord::kept);
    return describe(event.kind, std::span(event.payload).first(kept));
}

std::string QemuLogError::text() const {
    std::string name;
    for (const char letter : log) {
        // Bytes of UTF-8 may pass; what a terminal would obey may not.
        const auto value = static_cast<unsigned char>(letter);
        if (value < 0x20 || value == 0x7f) {
            fmt::format_to(std::back_inserter(name), "\\x{:02x}", value);
        } else {
            name += letter;
        }
    }
    // A place says nothing if nothing could be read.
    if (kind == Kind::unreadable && offset == 0) return fmt::format("{}: {}; {}", name, what, advice);
    return fmt::format("{}: at byte {}: {}; {}", name, offset, what, advice);
}

}  // namespace escapement
