#pragma once
// What a linked domain does, into its journal, or held against it.
//
// Contract. Records come in one order, the same in every run that does the same, so two recordings are equal
// files and a replay compares record by record. That order is the order of turns: an operation is put here
// by whoever carries it out, in turn, before anybody can come after it. What a participant does out of turn
// (unlocking, locking what is reserved to it, going on after a wait) is *deferred*: it stands before the
// participant's next record, wherever others were meanwhile. Nothing here takes a lock but poll_end(): who is
// in turn is alone.
//
// A replay lets the order decide again and compares; only what came from outside is the journal's: results of
// polls, input, idle time. At the first difference `ended` is told why, and everything returns false.
//
// Errors: see create(), follow(), close(). Thread safety: put() and what is like it, in turn; defer() and
// poll_end(), by the participant's thread, or for it while it waits.

#include "engine.hpp"
#include "parallel/objects.hpp"
#include "poll_ends.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_file.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <optional>

namespace escapement::link {

class Journal {
  public:
    /// Records to the file at `path`. Null: it cannot, `refusal` says why.
    static std::unique_ptr<Journal> create(const char* path, const Settings& settings, std::string& refusal);
    /// Follows the journal at `path`, in its mode if `any_mode`. Null: it cannot, or the journal is of a
    /// domain with other options; `refusal` says which.
    static std::unique_ptr<Journal> follow(const char* path, Settings& settings, bool any_mode,
                                           std::string& refusal);

    [[nodiscard]] bool replays() const { return cursor_.has_value(); }
    /// The replay has come to its end before the domain did.
    [[nodiscard]] bool diverged() const { return diverged_.load(std::memory_order_acquire); }
    [[nodiscard]] bool over() const { return over_.load(std::memory_order_acquire); }
    /// Told, once, why a replay cannot go on.
    std::function<void(const std::string&)> ended;

    /// `record.participant`'s, after what it deferred. False: the domain is over.
    [[nodiscard]] bool put(const JournalRecord& record);
    /// Stands before `record.participant`'s next one.
    void defer(const JournalRecord& record);
    /// The number of an object (in `number`, 0 before its first use) that `who` uses at `clock`.
    [[nodiscard]] ObjectNumber number_of(std::uint32_t& number, const char* name, ParticipantNumber who,
                                         Count clock);
    [[nodiscard]] bool admitted(ParticipantNumber number, const std::string& role, Count clock,
                                ParticipantNumber by, Count by_clock);

    /// The caller looked at its descriptors in turn; replaying, what it found then comes into `request`.
    [[nodiscard]] bool looked(ParticipantNumber who, Count clock, PollRequest& request);
    /// Serial: `by`, with the turn at `by_clock`, looked whether what `who` polls for is there (a result that
    /// is not 0). Only what was found is recorded. Replaying: true, and the result, if it was found then.
    [[nodiscard]] bool found(ParticipantNumber by, Count by_clock, ParticipantNumber who, Count clock,
                             PollRequest& request);
    /// Parallel: how a poll that had to wait ended, at `clock`.
    void defer_poll_end(ParticipantNumber who, Count clock, const PollRequest& request);
    /// Parallel, replaying: the same of then; nothing if the journal does not say.
    [[nodiscard]] std::optional<Count> poll_end(ParticipantNumber who, PollRequest& request);
    /// Input in turn. Replaying, `buffer` and `result` are filled instead.
    [[nodiscard]] bool input(ParticipantNumber who, Count clock, const char* source,
                             std::span<std::byte> buffer, std::int64_t& result);
    /// Idle time: as long as `time`, or up to it if nothing came before. Replaying, both are of then.
    [[nodiscard]] bool idle(ParticipantNumber who, Count clock, bool& reached_deadline, Nanoseconds& time);

    /// Nobody can go on. Written at once; false: replaying, and that is not how it ended.
    [[nodiscard]] bool stalled();
    /// Nothing is recorded from here on. Replaying: the journal is to be over, too. Returns what `complaint`
    /// is about: OK, JOURNAL or DIVERGED.
    [[nodiscard]] int close(std::string& complaint);

  private:
    struct alignas(64) Deferred {
        std::vector<JournalRecord> records;
        std::vector<std::byte> bytes;  ///< of the one input among them
    };
    struct Name {
        std::string name;
        ObjectNumber number;
    };

    explicit Journal(const char* path) : path_(path) {}
    [[nodiscard]] bool ready(ParticipantNumber who, Count clock, PollRequest& request);
    [[nodiscard]] std::string refuse_other_options(Settings& settings, bool any_mode);
    [[nodiscard]] bool flush(ParticipantNumber who);
    [[nodiscard]] bool flush_all();
    [[nodiscard]] bool put_now(const JournalRecord& record);
    [[nodiscard]] const JournalRecord* expected(JournalRecordKind kind, ParticipantNumber who);
    void end(const JournalDivergence& divergence);
    [[nodiscard]] std::string text_of(const JournalDivergence& divergence) const;

    std::string path_;
    JournalFile file_;
    std::optional<JournalWriter> writer_;
    std::optional<JournalReader> reader_;
    std::optional<ReplayCursor> cursor_;
    std::mutex poll_ends_latch_;
    std::optional<PollEnds> poll_ends_;
    std::array<Deferred, parallel::most_seats> deferred_;
    std::vector<std::string> objects_;  ///< names, by number from 1
    std::vector<Name> sources_;
    std::array<std::string, parallel::most_seats> roles_;
    std::atomic<bool> over_{false};
    std::atomic<bool> diverged_{false};
};

/// With what operations end in a domain that has come to a premature end.
[[nodiscard]] inline int ending(const Journal* journal) {
    return journal != nullptr && journal->diverged() ? ESCAPEMENT_DIVERGED : ESCAPEMENT_STALLED;
}

}  // namespace escapement::link
