#pragma once
// What the domain does, into the journal (`run --journal`), or held against it (`run --replay`).
//
// The order decides by itself, and decides the same every time as long as the same comes from outside. So a
// replay lets it decide, gives it from the journal what came from outside (outside_input.hpp,
// kept_signals.hpp), and compares each record with the journal's next: at the first that differs it ends
// the process with status 125 and says where.
//
// Everything here is called by the participant with the turn, or by whoever decides who gets it. Nothing here
// allocates after begin_journal(), short of the report of a divergence.

#include <escapement/journal.hpp>

#include <cstdint>

namespace escapement::preload {

struct Settings;
struct Incident;
struct DescriptorFacts;

enum class Journaling : std::uint8_t { off, record, replay };

/// What this process does. Changes at its beginning, and in a child process.
extern constinit Journaling journaling;

/// Creates the journal, or opens it and refuses one of another run. Ends the process if it cannot.
void begin_journal(const Settings& settings);
/// In a child process: its own journal, with the parent's name and the child's ordinal number.
void journal_of_child();
/// A child is about to be forked: the next ordinal number is its. (A handler of pthread_atfork(3).)
void count_child();
/// The process ends in order: nothing can be recorded from here on. A replay that ends before its journal
/// does is a divergence.
void close_journal();
/// Writes the records so far. Safe in signal handlers of the thread that records.
void flush_journal();
/// True while the caller is in the midst of a record: what a crash finds then is not to be written.
bool is_recording();

/// The caller performed `kind` on `object` (0: none).
void journal_operation(OperationKind kind, ObjectKey object);
/// The same of `descriptor`; what it is.
DescriptorFacts journal_descriptor_operation(OperationKind kind, int descriptor);
void journal_turn(ParticipantNumber from, ParticipantNumber to);
void journal_resume(Wakeup wakeup);
void journal_created(ParticipantNumber number);
void journal_ended(ParticipantNumber number);
void journal_role(ParticipantNumber number, const char* name);
/// `idle`: over idle time; otherwise the host's time went on.
void journal_jump(Nanoseconds to, bool idle);
/// Replaying: the journal's next record if it is such a jump, or null.
const JournalRecord* expected_jump(bool idle);
void journal_poll_ready(ParticipantNumber participant);
void journal_incident(const Incident& incident);

/// Recording: a record of the caller's; its participant and clock are filled in.
void record_of_caller(JournalRecord record);

/// Replaying: what the journal has next. Ends the process if it has nothing, except a child: that goes on
/// without (and gets a note of nothing).
const JournalRecord& expected_record();
/// The journal's next record if it is of `kind` and of `participant`, or null. Valid until the next call.
const JournalRecord* expected_of(JournalRecordKind kind, ParticipantNumber participant);
/// The expected record has been done.
void take_expected();
/// The caller, with the turn or deciding for others, does what the journal does not say.
[[noreturn]] void diverge(const JournalRecord& found);

/// The participant that acts: the caller, or the first if the keeper decides.
ParticipantNumber acting_participant();

}  // namespace escapement::preload
