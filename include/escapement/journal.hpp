#pragma once
// The journal: the file that holds what a domain did, so that it can be compared and done again.
//
//     JournalFile file;                                                 // journal_file.hpp
//     if (const int error = file.create("run.journal")) return complain(error);
//     JournalWriter writer(file, {.policy = "counted", .quantum = 1000, .command_line = "machine disk.img"});
//     writer.record({.kind = JournalRecordKind::operation, .operation = OperationKind::lock,
//                    .participant = 1, .object = objects.number_of(key), .clock = 4711});
//     writer.close();                                                   // the end is a record, too
//
//     auto reader = JournalReader::open(file, "run.journal");
//     if (!reader) return complain(reader.error().text());
//     for (JournalRecord record; reader->next(record);) fmt::print("{}\n", describe(record));
//     if (reader->trouble()) complain(reader->trouble()->text());       // cut, damaged: where, after how
//     many
//
// Contract. What was recorded is read back, in its order. A file is only ever added to, by whole blocks:
// after kill -9 or on a full disk, all blocks that were written read back, and the reader says that the
// journal was cut, where, and after how many records. Two journals of equal records and equal headers are
// equal files.
//
// Writer and reader call no operating system: bytes go to a JournalSink and come from a JournalSource. Both
// take all their memory when they are made, from the resource they are given, and none afterwards; they throw
// nothing (unless that resource does) and use no errno: the writer lives in strangers' processes.
//
// Units: clocks are counts (order.hpp), offsets and sizes are bytes.
// Errors: a writer that cannot write says so in failure() and swallows the rest. A reader ends in at most one
// JournalError: path, offset, reason. It believes no length, and its memory does not grow with the journal.
// Thread safety: none; who records holds the turn, or a lock of its own. Different objects are independent.
//
// The format, version 1. All fixed numbers are little-endian; `varint` is LEB128 of 64 bits; `zigzag` is a
// varint of (n << 1) ^ (n >> 63).
//
//     header   8 bytes "ESCAPEJ\n", version u32, size of what follows u32 (at most 64 KiB), then the strings
//              policy, clock source, event, fingerprint, command line (each a varint and so many bytes),
//              quantum and flags (varints); then XXH3-64 of all that, u64.
//     block    "EBLK", flags u32 (1: zstd, 2: the last), stored size u32, raw size u32 (at most 256 KiB),
//     records
//              u32, 0 u32, the stored bytes, checksum u64: XXH3-64 of all these, seeded with the checksum
//              before it (of the first block: the header's).
//     records  Of a block, decompressed: a tag byte for each record, then what belongs to them, one behind
//     the
//              other. Low 6 bits of a tag below 63: the shape in that slot again; the two upper bits say by
//              how much its participant's clock is further: 0: by what it was the last time; 1, 2, 3: by the
//              number in the next 1, 2 or 4 bytes. 63: a literal; 0x80: it has an address, 0x40: its
//              participant is that of the record before. A literal is its kind, 1 byte; [varint participant];
//              varint clock delta; varint object; zigzag result; [zigzag address minus the literal's before];
//              an operation's kind is 1 byte more. An operation, a turn or a ready poll goes into the next of
//              the 63 slots, in rotation; any other kind has a varint value, a varint size, and so many
//              bytes.
//     Each block begins anew: slots empty, clocks, addresses and participants 0. So a block is read without
//     those before it, and equal blocks need not be decoded to be compared. The last record is `end`.
//
// Sources: LEB128 as in DWARF 5, 7.6; zstd (RFC 8878); XXH3 (xxhash.com).

#include <escapement/order.hpp>

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
    signal = 7,       ///< `participant` took a signal; value: its number; result and bytes: the host's
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

// --- Writing -----------------------------------------------------------------------------------------------

class JournalSink {
  public:
    /// Writes all of `bytes`, or says why not: 0, or the host's error number. May have written a part then.
    virtual int write(std::span<const std::byte> bytes) noexcept = 0;

  protected:
    ~JournalSink() = default;
};

/// Numbers keys (addresses, which differ from run to run) by their first appearance. Memory is fixed: when
/// the table is full it is emptied, and objects get new numbers at their next appearance: in every run alike.
class ObjectNumbers {
  public:
    /// `capacity`: objects known at a time; a power of two.
    explicit ObjectNumbers(std::pmr::memory_resource* memory = std::pmr::get_default_resource(),
                           std::size_t capacity = 65536);
    ObjectNumbers(const ObjectNumbers&) = delete;
    ObjectNumbers& operator=(const ObjectNumbers&) = delete;
    ~ObjectNumbers();

    [[nodiscard]] ObjectNumber number_of(ObjectKey key) noexcept;
    /// The memory of `key` is another object from now on.
    void forget(ObjectKey key) noexcept;
    /// Numbers begin at 1 again.
    void clear() noexcept;

  private:
    struct Slot {
        ObjectKey key;
        ObjectNumber number;  ///< 0: free
    };
    [[nodiscard]] std::size_t home(ObjectKey key) const noexcept;
    std::pmr::memory_resource* memory_;
    std::size_t mask_;
    std::size_t used_ = 0;
    ObjectNumber last_ = 0;
    Slot* slots_;
};

struct JournalWriterOptions {
    std::size_t block_size = std::size_t{64}
                             << 10;  ///< raw bytes after which a block is written; at most 128 KiB
    int level = 1;                   ///< zstd's; negative ones are faster
};

/// What became of a writer that could not write.
struct JournalFailure {
    int error = 0;             ///< the sink's; -1: compression failed
    std::uint64_t offset = 0;  ///< of the block that could not be written, in the file
    std::uint64_t lost = 0;    ///< records that are not in the file
};

class JournalWriter {
  public:
    using Options = JournalWriterOptions;

    /// Writes the header. `sink` and `memory` must outlive the writer.
    JournalWriter(JournalSink& sink, const JournalHeader& header,
                  std::pmr::memory_resource* memory = std::pmr::get_default_resource(),
                  const Options& options = {});
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;
    /// Does not write what is left: who ends in order calls close().
    ~JournalWriter();

    /// Adds a record. Participants from most_journal_participants on, and more than most_journal_bytes, are
    /// the host's defects: the record is counted as lost.
    void record(const JournalRecord& record) noexcept;
    /// Writes the records so far, as a block of their own. False: see failure().
    bool flush() noexcept;
    /// Adds `end` and writes all that is left. Nothing can be recorded afterwards.
    bool close() noexcept;

    /// In a child process, which has its own file: forgets the parent's records that were not written yet
    /// (the parent writes them) and begins a new journal. See child_journal_name().
    void begin_again(JournalSink& sink, const JournalHeader& header) noexcept;

    [[nodiscard]] std::uint64_t records() const noexcept;  ///< recorded so far
    [[nodiscard]] std::uint64_t bytes() const noexcept;    ///< written so far
    [[nodiscard]] std::uint64_t raw_bytes()
        const noexcept;  ///< before compression, those not yet written too
    [[nodiscard]] bool failed() const noexcept;
    [[nodiscard]] const JournalFailure& failure() const noexcept;

  private:
    struct State;
    std::pmr::memory_resource* memory_;
    State* state_;
};

/// The journal of the `ordinal`th child (from 1) of the process whose journal is `parent`: "run.journal.1",
/// its first child's "run.journal.1.1": names do not depend on process numbers, which differ from run to run.
/// Returns the length, without the terminating 0; 0 if `name` is too small.
std::size_t child_journal_name(std::string_view parent, std::uint32_t ordinal, std::span<char> name) noexcept;

// --- Reading -----------------------------------------------------------------------------------------------

class JournalSource {
  public:
    struct Read {
        std::size_t size = 0;  ///< 0: the end, or an error
        int error = 0;         ///< the host's error number
    };
    /// Reads up to `bytes.size()` bytes.
    virtual Read read(std::span<std::byte> bytes) noexcept = 0;
    /// Begins again at the first byte; false if that cannot be done.
    [[nodiscard]] virtual bool rewind() noexcept { return false; }

  protected:
    ~JournalSource() = default;
};

/// Why a journal, or the rest of it, cannot be read.
struct JournalError {
    enum class Kind : std::uint8_t {
        unreadable,     ///< the source failed
        not_a_journal,  ///< something else
        other_version,
        cut,      ///< the run was killed, the disk was full, or it is still going on
        damaged,  ///< bytes that no writer writes
    };

    Kind kind = Kind::unreadable;
    std::string journal;        ///< the name that was given to the reader
    std::uint64_t offset = 0;   ///< where in the file
    std::uint64_t records = 0;  ///< read before
    std::string what;           ///< what is wrong
    std::string advice;         ///< what to do about it

    /// All of it in one line, escaped for a terminal.
    [[nodiscard]] std::string text() const;
};

/// One block, as it lies in the file.
struct JournalBlock {
    std::uint64_t offset = 0;        ///< in the file
    std::uint64_t first_record = 0;  ///< number of its first record
    std::uint32_t records = 0;
    std::uint32_t raw_size = 0;         ///< of its records, decompressed
    std::span<const std::byte> stored;  ///< all of it, valid until the next; equal: so are the records
};

namespace journal {
struct ReaderState;
}

class JournalReader {
  public:
    /// Reads the header. `source` and `memory` must outlive the reader.
    static tl::expected<JournalReader, JournalError> open(
        JournalSource& source, std::string name,
        std::pmr::memory_resource* memory = std::pmr::get_default_resource());
    JournalReader(JournalReader&& other) noexcept;
    JournalReader& operator=(JournalReader&& other) noexcept;
    ~JournalReader();

    [[nodiscard]] const JournalHeader& header() const noexcept;
    /// Number of the record that next() gave last, from 0.
    [[nodiscard]] std::uint64_t index() const noexcept;
    /// The next record; false after `end` (which is a record), or if it cannot be read on: see trouble().
    [[nodiscard]] bool next(JournalRecord& record);
    /// Set once next() has returned false, if the journal does not end as a writer ends it.
    [[nodiscard]] const std::optional<JournalError>& trouble() const noexcept;

    /// For who compares: goes on to the next block and checks it, but decodes nothing (next() does that);
    /// false as next(). Records of the block before that were not read are passed over.
    [[nodiscard]] bool next_block();
    [[nodiscard]] const JournalBlock& block() const noexcept;

    [[nodiscard]] std::uint64_t records() const noexcept;    ///< passed so far
    [[nodiscard]] std::uint64_t bytes() const noexcept;      ///< of the file, in whole blocks
    [[nodiscard]] std::uint64_t raw_bytes() const noexcept;  ///< of the same, decompressed

  private:
    using State = journal::ReaderState;
    JournalReader() = default;
    std::pmr::memory_resource* memory_ = nullptr;
    State* state_ = nullptr;
};

/// True if `beginning` is how a journal begins (8 bytes are enough).
[[nodiscard]] bool begins_as_journal(std::span<const std::byte> beginning) noexcept;

// --- Replaying ---------------------------------------------------------------------------------------------

/// A record that outlives its reader: of many bytes only the beginning is kept.
struct KeptRecord {
    static constexpr std::size_t kept = 40;

    std::uint64_t index = 0;  ///< number in the journal; of what a replay does: of the record it stands for
    JournalRecord record;     ///< `bytes` is empty: see text()
    std::uint32_t size = 0;   ///< of its bytes
    std::array<std::byte, kept> beginning{};

    KeptRecord() = default;
    KeptRecord(const JournalRecord& from, std::uint64_t number) noexcept;
    /// The record, with as many of its bytes as were kept.
    [[nodiscard]] JournalRecord view() const noexcept;
};

/// Where a replay, or another journal, parts from a journal.
struct JournalDivergence {
    enum class Reason : std::uint8_t {
        different,  ///< the two are not the same
        over,       ///< the journal is over, and there is more
        cut,        ///< the journal cannot be read on
        far,        ///< the participant's next record is not among the next ones: it does more than it did
    };

    Reason reason = Reason::different;
    std::uint64_t index = 0;  ///< number of the record expected
    std::optional<KeptRecord> expected;
    std::optional<KeptRecord> found;
    std::vector<KeptRecord> before;  ///< what both did last, oldest first, all participants
    std::vector<KeptRecord> after;   ///< what the journal goes on with
    std::string trouble;             ///< cut: the reader's

    /// In a few lines: participant, operation, object, clock; expected and found; what came before.
    [[nodiscard]] std::string text() const;
};

struct ReplayOptions {
    bool in_order = false;  ///< the next record must be the replay's, whoever's it is: serial
    bool compare_clocks = true;
    bool compare_results = false;  ///< otherwise the replay takes the results from the journal
    std::size_t window = 4096;     ///< records read ahead at most to find a participant's next
    std::size_t history = 8;       ///< records told before a divergence, at most 64
    std::pmr::memory_resource* memory = std::pmr::get_default_resource();
};

/// "The next record of participant P must be X." Goes through a journal as a replay performs it. Serial: ask
/// front() who is to do what. Parallel: each participant asks for its own; the others' are read ahead.
///
///     const JournalRecord* next = cursor.next_of(self);          // what it is to do; nullptr: nothing
///     auto taken = cursor.take({.operation = OperationKind::lock, .participant = self, …});
///     if (!taken) stop_with(taken.error().text());
///     return taken->result;                                      // as it was then
///
/// Takes no memory after its beginning, until there is a divergence to tell.
class ReplayCursor {
  public:
    /// `reader` must outlive the cursor and is its own.
    explicit ReplayCursor(JournalReader& reader, const ReplayOptions& options = {});
    ReplayCursor(const ReplayCursor&) = delete;
    ReplayCursor& operator=(const ReplayCursor&) = delete;
    ~ReplayCursor();

    /// The first record that was not taken, whoever's; nullptr: the journal is over, or cut (trouble()).
    [[nodiscard]] const JournalRecord* front() noexcept;
    /// The same of `participant`; looks no further ahead than the window. Valid until the next take().
    [[nodiscard]] const JournalRecord* next_of(ParticipantNumber participant) noexcept;
    /// The replay did `found`: its participant's next record must be that (kind, operation, object, clock).
    /// Returns the journal's record; its bytes are valid until the next call.
    [[nodiscard]] tl::expected<JournalRecord, JournalDivergence> take(const JournalRecord& found);
    /// Takes the front, whatever it is; false if there is none.
    bool skip() noexcept;

    [[nodiscard]] std::uint64_t taken() const noexcept;
    /// What `found` would be told as: for what a replay finds out by itself.
    [[nodiscard]] JournalDivergence divergence_at(const JournalRecord& found);
    [[nodiscard]] const std::optional<JournalError>& trouble() const noexcept;

  private:
    struct State;
    std::pmr::memory_resource* memory_;
    State* state_;
};

}  // namespace escapement
