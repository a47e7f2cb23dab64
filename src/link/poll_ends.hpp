#pragma once
// How polls that had to wait ended, read ahead in a journal: in mode parallel whoever polls in a replay goes
// on at once, at the clock at which it did then, however much others did meanwhile.
//
// Contract. Goes through the journal by a reader of its own. Memory grows with the ends that were passed and
// not yet asked for, not with the journal. Thread safety: one at a time.

#include <escapement/journal.hpp>
#include <escapement/journal_file.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace escapement::link {

struct PollEnd {
    Count clock = 0;
    bool timed_out = false;
    std::int64_t result = 0;
    std::uint64_t error = 0;
    std::vector<std::byte> events;
};

class PollEnds {
  public:
    /// False: the file cannot be read as a journal.
    [[nodiscard]] bool open(const char* path);
    /// The next of `participant`'s; nothing if the journal has none any more.
    [[nodiscard]] std::optional<PollEnd> next(ParticipantNumber participant);

  private:
    struct Poller {
        bool waits = false;  ///< its last record was a poll that found nothing
        std::deque<PollEnd> ends;
    };
    [[nodiscard]] Poller& poller(ParticipantNumber participant);
    void pass(const JournalRecord& record);

    JournalFile file_;
    std::optional<JournalReader> reader_;
    std::vector<Poller> pollers_;
};

}  // namespace escapement::link
