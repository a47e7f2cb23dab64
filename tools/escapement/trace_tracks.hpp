#pragma once
// From a journal's records to what each participant was doing when: running, waiting for what, outside.
//
// The time of a trace. With turns only one participant runs at a time, and the time is what all have done
// together. Without, participants run at the same time, and each one's clock is its time: by those they are
// ordered.

#include "journal_files.hpp"
#include "trace_events.hpp"

#include <escapement/journal.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace escapement::command {

class TraceTracks {
  public:
    struct Options {
        bool turns = false;      ///< the journal has turns
        bool operations = true;  ///< every operation gets a mark
    };

    TraceTracks(TraceEvents& events, const Options& options) : events_(events), options_(options) {}

    void see(const JournalRecord& record);
    /// Ends what is still going on.
    void end();

  private:
    using Time = TraceEvents::Time;
    struct Track {
        std::string state;  ///< "" before its beginning and after its end
        Time since = 0;
        Time now = 0;
        Count clock = 0;
        JournalRecord last;  ///< its last operation
        Time last_time = 0;
        std::string lock;     ///< without turns: what it waits for if its last operation, a lock, has to
        std::string counter;  ///< what its clock's counter is called
        bool named = false;
        bool runs = false;
        std::optional<std::uint64_t> arrow;  ///< on its way here
        const char* arrow_name = "";
        Time arrow_begins = 0;
        ParticipantNumber waker = 0;  ///< who woke it, perhaps, since it waits
        Time woken_at = 0;            ///< 0: nobody
    };

    [[nodiscard]] static TraceEvents::Track number_of(ParticipantNumber participant) {
        return participant + 1U;
    }
    [[nodiscard]] std::string waiting_state(const JournalRecord& operation) const;
    Time time_of(Track& track, const JournalRecord& record);
    void change(ParticipantNumber participant, Track& track, const std::string& state, bool runs, Time time);
    void run(ParticipantNumber participant, Track& track, Time time);
    void name(ParticipantNumber participant, Track& track);
    void operation(const JournalRecord& record, Track& track, Time time);
    void turn(const JournalRecord& record, Track& track, Time time);
    void wake(const JournalRecord& record, Time time);
    void draw_waker(Track& woken);
    void waited_for_lock(const JournalRecord& record, Track& track, Time time);
    void mark(const JournalRecord& record, Time time);

    TraceEvents& events_;
    Options options_;
    JournalNames names_;
    std::map<ParticipantNumber, Track> tracks_;
    std::map<ObjectNumber, std::deque<ParticipantNumber>> waiters_;
    std::map<ObjectNumber, ParticipantNumber> owners_;  ///< of locks
    std::map<ObjectNumber, std::string> objects_;       ///< as a linked domain calls them
    Time now_ = 0;
    Count givers_clock_ = 0;  ///< of who handed the turn on last
    bool turn_begins_ = false;
    std::uint64_t arrows_ = 0;
};

}  // namespace escapement::command
