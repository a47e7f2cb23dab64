#pragma once
// Reading QEMU's record/replay logs ("rrfile").
//
//     std::ifstream file("boot.rr", std::ios::binary);
//     auto reader = escapement::QemuLogReader::open(file, "boot.rr");
//     if (!reader) return complain(reader.error().text());
//     escapement::QemuEvent event;
//     while (reader->next(event)) fmt::print("{} {}\n", event.icount, escapement::kind_name(event.kind));
//     if (reader->trouble()) complain(reader->trouble()->text());
//
// Promise: whatever the bytes are, reading ends in events and at most one QemuLogError, in memory that does
// not grow with the log (one buffer; at most QemuLogReader::largest_payload plus a constant). No length in a
// log is believed. Nothing throws, except std::bad_alloc.
//
// The format, as of QEMU 7.2 and 10.0, which agree to the last code (replay/replay.c,
// replay/replay-internal.h): a header (version as 4 bytes, 8 reserved zeros), then events of one code byte
// and a payload; every number is big-endian. QEMU leaves the header zero until it closes the log
// (replay_enable seeks over it, replay_finish writes it after EVENT_END), so version 0 means: the recording
// was not closed. SHUTDOWN_CAUSE__MAX is 11, REPLAY_CLOCK_COUNT 2 and CHECKPOINT_COUNT 9 in both, therefore
// the codes below. QEMU 10.0 added a kind of input (multi-touch) without a new version; a log of 7.2 cannot
// contain it, so the two never contradict each other.
//
// Thread safety: a reader belongs to one thread at a time; different readers are independent.

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace escapement {

/// The version that is read: REPLAY_VERSION of QEMU 7.2 to 10.0 (replay/replay.c).
inline constexpr std::uint32_t qemu_log_version = 0xe0200c;

/// What an event is: the byte with which it begins in the log (enum ReplayEvents, replay/replay-internal.h).
enum class QemuEventKind : std::uint8_t {
    instruction = 0,  ///< so many guest instructions ran
    interrupt = 1,
    exception = 2,
    bottom_half = 3,
    bottom_half_oneshot = 4,
    input = 5,
    input_sync = 6,
    char_read = 7,
    block = 8,
    net = 9,
    shutdown_first = 10,  ///< plus a ShutdownCause (qapi/run-state.json)
    shutdown_last = 21,
    char_write = 22,
    char_read_all = 23,
    char_read_all_error = 24,
    audio_out = 25,
    audio_in = 26,
    random = 27,
    clock_host = 28,
    clock_virtual_rt = 29,
    checkpoint_first = 30,  ///< plus a ReplayCheckpoint (include/sysemu/replay.h)
    checkpoint_warp_start = 30,
    checkpoint_warp_account = 31,
    checkpoint_reset_requested = 32,
    checkpoint_init = 37,
    checkpoint_last = 38,
    end = 39,
};

inline constexpr std::size_t qemu_event_kinds = 40;

/// A name for the kind, QEMU's own without EVENT_: "INSTRUCTION", "CLOCK_HOST",
/// "CHECKPOINT_CLOCK_WARP_START".
[[nodiscard]] const char* kind_name(QemuEventKind kind) noexcept;

/// One event, as it was read.
struct QemuEvent {
    std::uint64_t index = 0;   ///< its number in the log, from 0
    std::uint64_t offset = 0;  ///< of its first byte in the file
    std::uint64_t icount = 0;  ///< guest instructions run up to and including it
    QemuEventKind kind = QemuEventKind::end;
    /// All that follows the kind in the log, lengths included. Valid until the reader is used again.
    std::span<const std::byte> payload;
};

/// An event that outlives its reader: of a long payload only the beginning is kept.
struct QemuEventRecord {
    static constexpr std::size_t kept = 40;

    std::uint64_t index = 0;
    std::uint64_t offset = 0;
    std::uint64_t icount = 0;
    std::uint32_t payload_size = 0;
    QemuEventKind kind = QemuEventKind::end;
    std::array<std::byte, kept> payload{};  ///< the first min(payload_size, kept) bytes
};

/// The payload in words: "350 instructions", "1796304981.221348472 s", "id 3, 60 bytes 52 54 00 12 ...".
/// Printable ASCII whatever is in the log, and bounded in length.
[[nodiscard]] std::string describe_payload(const QemuEvent& event);
[[nodiscard]] std::string describe_payload(const QemuEventRecord& event);

/// Why a log, or the rest of it, cannot be read.
struct QemuLogError {
    enum class Kind : std::uint8_t {
        unreadable,     ///< the stream failed
        not_a_log,      ///< something else
        other_version,  ///< a log of a QEMU with another format
        not_closed,     ///< QEMU was killed, or is still recording: the header is not written yet
        truncated,      ///< closed by QEMU, and cut afterwards (or the disk was full)
        damaged,        ///< bytes that QEMU does not write
    };

    Kind kind = Kind::unreadable;
    std::string log;           ///< the name that was given to the reader
    std::uint64_t offset = 0;  ///< where in the log
    std::string what;          ///< what is wrong
    std::string advice;        ///< what to do about it

    /// All of it in one line, escaped for a terminal.
    [[nodiscard]] std::string text() const;
};

class QemuLogReader {
  public:
    /// No payload that QEMU writes is longer; one that claims to be is damage.
    static constexpr std::size_t largest_payload = std::size_t{16} << 20;

    /// Reads the header. `log` must outlive the reader and stand at its beginning; `name` is for messages.
    /// A log that was not closed is opened: its events can be read up to where it was cut.
    static tl::expected<QemuLogReader, QemuLogError> open(std::istream& log, std::string name);
    static tl::expected<QemuLogReader, QemuLogError> open(std::span<const std::byte> log, std::string name);

    QemuLogReader(QemuLogReader&&) noexcept;
    QemuLogReader& operator=(QemuLogReader&&) noexcept;
    ~QemuLogReader();

    /// The next event; false after the last one (END is an event) or if the log cannot be read on: see
    /// trouble().
    [[nodiscard]] bool next(QemuEvent& event);

    /// Set once next() has returned false, if the log did not end as QEMU ends it.
    [[nodiscard]] const std::optional<QemuLogError>& trouble() const noexcept;

  private:
    struct Impl;
    explicit QemuLogReader(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

/// What a whole log holds.
struct QemuLogSummary {
    std::string name;
    std::uint64_t bytes = 0;   ///< read, up to the end or the trouble
    std::uint64_t events = 0;  ///< END included
    std::uint64_t icount = 0;  ///< guest instructions in all
    std::array<std::uint64_t, qemu_event_kinds> by_kind{};
    std::optional<QemuLogError> trouble;
};

/// Counts the events of a log. An error only if it cannot be opened; for trouble further on see the summary.
[[nodiscard]] tl::expected<QemuLogSummary, QemuLogError> summarize_qemu_log(std::istream& log,
                                                                            std::string name);
[[nodiscard]] tl::expected<QemuLogSummary, QemuLogError> summarize_qemu_log(std::span<const std::byte> log,
                                                                            std::string name);

}  // namespace escapement
