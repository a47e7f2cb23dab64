#pragma once
// What a journal holds: records of what a domain did, and the header that tells of what run it is.
//
//     const JournalRecord record{.kind = JournalRecordKind::operation, .operation = OperationKind::lock,
//                                .participant = 1, .object = 7, .clock = 4711, .result = 0};
//     fmt::print("{}\n", describe(record));                             // lock 7 -> 0
//
// Contract. A record is a value of 64 bytes that owns nothing: `bytes` are its writer's or its reader's. The
// numbers of kinds and operations are the file's (journal.hpp), and never change their meaning.
//
// Units: clocks are counts (order.hpp). Thread safety: as values.

#include <escapement/order.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace escapement {

inline constexpr std::uint32_t journal_version = 1;
/// Bytes that one record may hold, e.g. of outside input; who has more records it in pieces.
inline constexpr std::size_t most_journal_bytes = std::size_t{64} << 10;
/// Participants' numbers are below this.
inline constexpr ParticipantNumber most_journal_participants = 65536;

/// Objects are numbered from 1 in the order in which they first appear in the journal; 0: none.
using ObjectNumber = std::uint32_t;

enum class JournalRecordKind : std::uint8_t {
    operation = 0,    ///< `participant` performed `operation` on `object`, at `clock`, with `result`
    turn = 1,         ///< `participant` handed the turn to participant `object`; result: a TurnEnd
    poll_ready = 2,   ///< what `participant` waited for was found to be there; object: what; result: how much
    created = 3,      ///< `participant` begins, at `clock`, made by participant `object`
    ended = 4,        ///< `participant` ends; result: how
    role = 5,         ///< `participant` is called `bytes`
    input = 6,        ///< `participant` was given `bytes` from outside; object: number of the source; result:
                      ///< what the call returned; value: descriptor, or what the host chooses
    signal = 7,       ///< `participant` took a signal; value: its number; result and bytes: the host's;
                      ///< object: visits to the library since its last operation, 0 in older journals
    time_jump = 8,    ///< virtual time jumped over idle time to `value` nanoseconds
    random_seed = 9,  ///< value: the seed of the domain's random numbers
    incident = 10,    ///< from here on the run is not reproducible; bytes: why; address: where
    module = 11,      ///< addresses of module `object` are in the file called `bytes`
    note = 12,        ///< anything that a host wants to have said; value and bytes are its own
    end = 13,         ///< the domain is over; value: number of records before this one
};
inline constexpr std::size_t journal_record_kinds = 14;
[[nodiscard]] const char* to_string(JournalRecordKind kind) noexcept;

/// Why a turn ended.
enum class TurnEnd : std::uint8_t { waits = 0, boundary = 1, gave_way = 2, ended = 3, left = 4, other = 5 };
[[nodiscard]] const char* to_string(TurnEnd end) noexcept;

/// The numbers are the file's: new ones go to the end.
enum class OperationKind : std::uint8_t {
    none = 0,
    lock = 1,
    try_lock = 2,
    unlock = 3,
    wait = 4,     ///< until wake() of `object`; its mutex, if it has one, is free meanwhile
    wake = 5,     ///< result: how many waiters of `object` go on
    requeue = 6,  ///< result: how many waiters were woken or moved
    poll = 7,     ///< for descriptors, children, signals
    sleep = 8,
    create = 9,  ///< result: the number of the participant made
    join = 10,   ///< result: the number of the participant waited for
    detach = 11,
    exit = 12,
    yield = 13,
    leave = 14,   ///< goes on outside of the order
    arrive = 15,  ///< comes back into it
    time = 16,    ///< reads a clock
    random = 17,
    read = 18,
    write = 19,
    open = 20,
    close = 21,
    post = 22,  ///< of a semaphore, an event, or a function to another participant
    barrier = 23,
    once = 24,
    cancel = 25,
    fork = 26,
    signal = 27,
    submit = 28,  ///< asynchronous input or output
    resume = 29,  ///< a wait is over and the turn is back; result: a Wakeup
    other = 30,
    reset = 31,  ///< of an event
};
inline constexpr std::size_t operation_kinds = 32;
[[nodiscard]] const char* to_string(OperationKind operation) noexcept;

/// A place in a program's code that is the same in every run: wherever the loader puts things.
struct CodePlace {
    std::uint32_t module = 0;   ///< number of a `module` record, 1 to 65535
    std::uint64_t address = 0;  ///< as linked: what the loader added is left out; below 2^48

    [[nodiscard]] constexpr std::uint64_t packed() const noexcept {
        return std::uint64_t{module} << 48 | (address & 0xffff'ffff'ffff);
    }
    [[nodiscard]] static constexpr CodePlace unpack(std::uint64_t packed) noexcept {
        return {static_cast<std::uint32_t>(packed >> 48), packed & 0xffff'ffff'ffff};
    }
};

/// One record. Which members mean what depends on the kind; the others are 0.
struct JournalRecord {
    JournalRecordKind kind = JournalRecordKind::operation;
    OperationKind operation = OperationKind::none;  ///< of kind `operation` only
    ParticipantNumber participant = 0;
    ObjectNumber object = 0;
    Count clock = 0;  ///< the participant's, at the operation
    std::int64_t result = 0;
    std::uint64_t address = 0;           ///< CodePlace::packed(), 0: not recorded
    std::uint64_t value = 0;             ///< not of kinds `operation`, `turn`, `poll_ready`
    std::span<const std::byte> bytes{};  ///< the same; read: valid until the reader is used again
};
static_assert(sizeof(JournalRecord) == 64);  // A cache line: records are copied whole.

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}

/// The record in a line of printable ASCII, bounded in length: "lock 7 → 0". Without participant and clock.
[[nodiscard]] std::string describe(const JournalRecord& record);

/// Of what run a journal is. Of the writer's strings at most 8 KiB each are kept; a reader's are its own.
struct JournalHeader {
    std::string_view policy = "";
    Count quantum = 0;
    std::string_view clock_source = "";
    std::string_view event = "";        ///< that the clocks count; empty: none
    std::string_view fingerprint = "";  ///< the host's (profile.hpp)
    std::string_view command_line = "";
    std::uint64_t flags = 0;  ///< the host's own
};

}  // namespace escapement
