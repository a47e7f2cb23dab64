#pragma once
// Goes through a journal (journal.hpp) as somebody does again what it tells.
//
//     ReplayCursor cursor(*reader, {.in_order = true});
//     auto taken = cursor.take({.operation = OperationKind::lock, .participant = self, .clock = now});
//     if (!taken) return stop_with(taken.error().text());               // who, what, where, what came before
//     return taken->result;                                             // as it was then
//
// Contract. What is done again is compared with what was done, record by record; at the first that differs
// the divergence tells both, and nothing was taken. Serial: ask front() who is to do what. Parallel: each
// asks for its own with next_of(), and the others' are read ahead. Thread safety: none.

#include <escapement/journal_reader.hpp>

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

namespace escapement {

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

/// "The next record of participant P must be X." Goes through a journal as a replay performs it.
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

    /// What `found` would be told as: for what a replay finds out by itself.
    [[nodiscard]] JournalDivergence divergence_at(const JournalRecord& found);
    [[nodiscard]] const std::optional<JournalError>& trouble() const noexcept;

  private:
    struct State;
    std::pmr::memory_resource* memory_;
    State* state_;
};

}  // namespace escapement
