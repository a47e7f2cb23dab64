#include "recording.hpp"

#include "code_places.hpp"
#include "journal_start.hpp"
#include "outside_input.hpp"
#include "real.hpp"
#include "runtime.hpp"
#include "statistics.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

namespace escapement::preload {

constinit Journaling journaling = Journaling::off;

namespace {

// Set for the time of one record. Only the thread that records reads it, in its own signal handlers.
volatile bool in_record = false;
bool ending = false;  ///< the replay is about to end the process: what it still does is nobody's business

ObjectNumber number_of(ObjectKey object) {
    if (open_journal().unopened) [[unlikely]]
        open_journal_of_child();
    return object == 0 ? 0 : open_journal().objects->number_of(object);
}

Count clock_of(ParticipantNumber participant) {
    return runtime().order().participants()[participant].clock;
}

void say(const std::string& text) {
    const std::string line = "escapement: " + text + "\n";
    [[maybe_unused]] const ssize_t written = real().write(STDERR_FILENO, line.data(), line.size());
}

[[noreturn]] void end_replay(const std::string& text) {
    ending = true;
    say(text);
    write_statistics();
    real()._exit(125);
    __builtin_unreachable();
}

/// Where both sides are, as far as the records say.
std::string places_of(const JournalDivergence& divergence) {
    char text[512];
    std::string places;
    if (divergence.expected && divergence.expected->record.address != 0) {
        describe_journal_place(divergence.expected->record.address, text);
        places += "\n  expected at " + std::string(text);
    }
    if (thread_state.caller != 0) {
        describe_address(thread_state.caller, text);
        places += "\n  found at    " + std::string(text);
    }
    return places;
}

[[noreturn]] void report(const JournalDivergence& divergence) {
    if (divergence.reason == JournalDivergence::Reason::cut) {
        end_replay("the journal " + std::string(open_journal().path) +
                   " is cut: the replay ends where it does, after " + std::to_string(divergence.index) +
                   " records, with status 125 (" + divergence.trouble + ")");
    }
    end_replay("replay of " + std::string(open_journal().path) + ": " + divergence.text() +
               places_of(divergence) + "\nescapement: ended with status 125");
}

/// A journal that cannot be written any more is told of at once: at its end the program may have closed its
/// standard error, and it may be long until then.
void notice_failure() {
    OpenJournal& journal = open_journal();
    if (!journal.writer->failed() || journal.failure_told) [[likely]]
        return;
    journal.failure_told = true;
    char text[sizeof journal.path + 200];
    const int error = journal.writer->failure().error;
    const int size = std::snprintf(
        text, sizeof text,
        "escapement: cannot write the journal %s: %s; it is whole up to byte %llu, and the run goes on\n",
        journal.path, error > 0 ? strerrordesc_np(error) : "cannot compress",
        static_cast<unsigned long long>(journal.writer->failure().offset));
    [[maybe_unused]] const ssize_t written =
        real().write(STDERR_FILENO, text, std::min(static_cast<std::size_t>(size), sizeof text - 1));
}

/// Records it, or holds it against the journal.
void put(const JournalRecord& record) {
    if (open_journal().unopened) [[unlikely]]
        open_journal_of_child();
    if (journaling == Journaling::off) return;
    if (journaling == Journaling::record) {
        in_record = true;
        open_journal().writer->record(record);
        in_record = false;
        notice_failure();
        return;
    }
    if (ending) return;
    expected_record();                          // passes over what is not compared
    if (journaling == Journaling::off) return;  // a child's journal is at its end
    if (auto taken = open_journal().cursor->take(record); !taken) report(taken.error());
}

}  // namespace

bool is_recording() {
    return in_record;
}

ParticipantNumber acting_participant() {
    return thread_state.number == nobody ? 0 : thread_state.number;
}

void record_of_caller(JournalRecord record) {
    if (journaling != Journaling::record) return;
    record.participant = acting_participant();
    record.clock = clock_of(record.participant);
    put(record);
}

void journal_operation(OperationKind kind, ObjectKey object) {
    const ParticipantNumber self = thread_state.number;
    const ObjectNumber number = number_of(object);
    thread_state.visits = 0;
    put({.operation = kind,
         .participant = self,
         .object = number,
         .clock = clock_of(self),
         .address = journaling == Journaling::record ? place_of(thread_state.caller) : 0});
}

DescriptorFacts journal_descriptor_operation(OperationKind kind, int descriptor) {
    const ParticipantNumber self = thread_state.number;
    // Above all addresses: descriptors have numbers of their own among the objects.
    constexpr ObjectKey above_addresses = ObjectKey{1} << 63U;
    const DescriptorFacts facts = facts_of(descriptor);
    thread_state.visits = 0;
    put({.operation = kind,
         .participant = self,
         .object = number_of(above_addresses | static_cast<unsigned>(descriptor)),
         .clock = clock_of(self),
         .result = facts.packed(),
         .address = journaling == Journaling::record ? place_of(thread_state.caller) : 0});
    return facts;
}

void journal_turn(ParticipantNumber from, ParticipantNumber to) {
    TurnEnd end = TurnEnd::waits;
    const Participant& participant = runtime().order().participants()[from];
    switch (participant.state) {
        case State::ready:
            end = participant.resting ? TurnEnd::gave_way : TurnEnd::boundary;
            break;
        case State::exited:
        case State::released:
            end = TurnEnd::ended;
            break;
        case State::outside:
            end = TurnEnd::left;
            break;
        default:
            break;
    }
    put({.kind = JournalRecordKind::turn,
         .participant = from,
         .object = to,
         .clock = participant.clock,
         .result = static_cast<std::int64_t>(end)});
}

void journal_resume(Wakeup wakeup) {
    put({.operation = OperationKind::resume,
         .participant = thread_state.number,
         .clock = clock_of(thread_state.number),
         .result = static_cast<std::int64_t>(wakeup)});
}

void journal_created(ParticipantNumber number) {
    put({.kind = JournalRecordKind::created,
         .participant = number,
         .object = thread_state.number,
         .clock = clock_of(number)});
}

void journal_ended(ParticipantNumber number) {
    put({.kind = JournalRecordKind::ended, .participant = number, .clock = clock_of(number)});
}

void journal_role(ParticipantNumber number, const char* name) {
    put({.kind = JournalRecordKind::role,
         .participant = number,
         .clock = clock_of(number),
         .bytes = bytes_of(name)});
}

void journal_jump(Nanoseconds to, bool idle) {
    record_of_caller({.kind = JournalRecordKind::time_jump,
                      .result = idle ? 1 : 0,
                      .value = static_cast<std::uint64_t>(to)});
}

const JournalRecord* expected_jump(bool idle) {
    const JournalRecord* const jump = expected_of(JournalRecordKind::time_jump, acting_participant());
    return jump != nullptr && jump->result == (idle ? 1 : 0) ? jump : nullptr;
}

void journal_poll_ready(ParticipantNumber participant) {
    put({.kind = JournalRecordKind::poll_ready, .participant = participant, .clock = clock_of(participant)});
}

void journal_incident(const Incident& incident) {
    if (journaling != Journaling::record || in_record) return;
    char text[256];
    std::snprintf(text, sizeof text, "%s%s", incident.reason, incident.what != nullptr ? incident.what : "");
    JournalRecord record{.kind = JournalRecordKind::incident, .bytes = bytes_of(text)};
    record.participant = incident.participant == nobody ? 0 : incident.participant;
    record.clock = clock_of(record.participant);
    record.address = place_of(incident.address);
    put(record);
}

const JournalRecord& expected_record() {
    static const JournalRecord nothing{.kind = JournalRecordKind::note};
    OpenJournal& journal = open_journal();
    if (journal.unopened) open_journal_of_child();
    if (journaling == Journaling::off) return nothing;
    ReplayCursor& cursor = *journal.cursor;
    for (;;) {
        const JournalRecord* const record = cursor.front();
        if (record == nullptr && journal.child && cursor.trouble()) {
            // It became another program, or was killed: it goes on as it likes.
            journaling = Journaling::off;
            return nothing;
        }
        if (record == nullptr) report(cursor.divergence_at({.participant = acting_participant()}));
        switch (record->kind) {
            case JournalRecordKind::module:
                note_journal_module(record->object, {reinterpret_cast<const char*>(record->bytes.data()),
                                                     record->bytes.size()});
                break;
            case JournalRecordKind::incident:
            case JournalRecordKind::note:
                break;
            default:
                return *record;
        }
        cursor.skip();
    }
}

const JournalRecord* expected_of(JournalRecordKind kind, ParticipantNumber participant) {
    if (ending) return nullptr;
    const JournalRecord& record = expected_record();
    return record.kind == kind && record.participant == participant ? &record : nullptr;
}

void take_expected() {
    open_journal().cursor->skip();
}

void diverge(const JournalRecord& found) {
    report(open_journal().cursor->divergence_at(found));
}

void flush_journal() {
    if (journaling != Journaling::record || in_record || open_journal().unopened) return;
    open_journal().writer->flush();
    notice_failure();
}

void close_journal() {
    if (journaling == Journaling::record && open_journal().unopened) return;
    if (journaling == Journaling::record && !in_record) {
        journaling = Journaling::off;
        JournalWriter& writer = *open_journal().writer;
        if (!writer.close() && writer.failure().error != 0) {
            say(std::string(open_journal().path) + ": " +
                (writer.failure().error > 0 ? std::strerror(writer.failure().error) : "cannot compress") +
                "; " + std::to_string(writer.failure().lost) + " records are not in the journal");
        }
    } else if (journaling == Journaling::replay && !ending) {
        const JournalRecord& record = expected_record();
        const JournalRecord end{.kind = JournalRecordKind::end, .participant = acting_participant()};
        if (record.kind != JournalRecordKind::end && journaling == Journaling::replay) diverge(end);
        journaling = Journaling::off;
    }
}

}  // namespace escapement::preload
