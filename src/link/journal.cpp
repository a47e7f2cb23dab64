// One record after the other.

#include "journal.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace escapement::link {

bool Journal::put_now(const JournalRecord& record) {
    if (over_.load(std::memory_order_relaxed)) return false;
    if (writer_) {
        writer_->record(record);
        return true;
    }
    if (const auto taken = cursor_->take(record); !taken) {
        end(taken.error());
        return false;
    }
    return true;
}

bool Journal::flush(ParticipantNumber who) {
    Deferred& deferred = deferred_.at(who);
    bool goes_on = true;
    for (JournalRecord& each : deferred.records) {
        if (each.kind == JournalRecordKind::input) each.bytes = deferred.bytes;
        goes_on = goes_on && put_now(each);
    }
    deferred.records.clear();
    return goes_on;
}

bool Journal::flush_all() {
    bool goes_on = true;
    for (ParticipantNumber who = 0; who < deferred_.size(); ++who)
        goes_on = flush(who) && goes_on;
    return goes_on;
}

bool Journal::put(const JournalRecord& record) {
    return flush(record.participant) && put_now(record);
}

void Journal::defer(const JournalRecord& record) {
    deferred_.at(record.participant).records.push_back(record);
}

ObjectNumber Journal::number_of(std::uint32_t& number, const char* name, ParticipantNumber who, Count clock) {
    if (number != 0) return number;
    objects_.emplace_back(name);
    number = static_cast<std::uint32_t>(objects_.size());
    // If it diverges here, the operation that is to come is told so.
    (void)put(
        {.kind = JournalRecordKind::note,
         .participant = who,
         .object = number,
         .clock = clock,
         .bytes = bytes_of(objects_.back()).first(std::min(objects_.back().size(), most_journal_bytes))});
    return number;
}

bool Journal::admitted(ParticipantNumber number, const std::string& role, Count clock, ParticipantNumber by,
                       Count by_clock) {
    roles_.at(number) = role;
    if (by != nobody && !put({.operation = OperationKind::create,
                              .participant = by,
                              .clock = by_clock,
                              .result = static_cast<std::int64_t>(number)}))
        return false;
    return put({.kind = JournalRecordKind::created,
                .participant = number,
                .object = by != nobody ? by : number,
                .clock = clock}) &&
           put({.kind = JournalRecordKind::role,
                .participant = number,
                .clock = clock,
                .bytes = bytes_of(role).first(std::min(role.size(), most_journal_bytes))});
}

const JournalRecord* Journal::expected(JournalRecordKind kind, ParticipantNumber who) {
    if (over_.load(std::memory_order_relaxed) || !flush(who)) return nullptr;
    const JournalRecord* const front = cursor_->front();
    return front != nullptr && front->kind == kind && front->participant == who ? front : nullptr;
}

bool Journal::stalled() {
    if (over()) return false;
    const bool as_then = flush_all() && put_now({.kind = JournalRecordKind::incident,
                                                 .bytes = bytes_of("deadlock: nobody can go on")});
    over_.store(true);
    if (writer_) writer_->flush();
    return as_then;
}

int Journal::close(std::string& complaint) {
    if (diverged()) return ESCAPEMENT_OK;  // that was told
    if (writer_) {
        if (!over()) (void)flush_all();
        over_.store(true);
        if (writer_->close()) return ESCAPEMENT_OK;
        const JournalFailure& failure = writer_->failure();
        complaint = "escapement: cannot write the journal " + path_ + ": " +
                    (failure.error > 0 ? std::strerror(failure.error) : "compression failed") + "; " +
                    std::to_string(failure.lost) + " records are not in it\n";
        return ESCAPEMENT_JOURNAL;
    }
    if (!over() && !flush_all()) return ESCAPEMENT_DIVERGED;
    const JournalRecord* const front = cursor_->front();
    if (front == nullptr || front->kind != JournalRecordKind::end) {
        diverged_.store(true);
        complaint = text_of(cursor_->divergence_at({.kind = JournalRecordKind::end}));
    }
    over_.store(true);
    return complaint.empty() ? ESCAPEMENT_OK : ESCAPEMENT_DIVERGED;
}

void Journal::end(const JournalDivergence& divergence) {
    diverged_.store(true);
    over_.store(true);
    if (ended) ended(text_of(divergence));
}

std::string Journal::text_of(const JournalDivergence& divergence) const {
    if (divergence.reason == JournalDivergence::Reason::cut) {
        return "escapement: the journal " + path_ + " is cut: the replay ends where it does, after " +
               std::to_string(divergence.index) + " records (" + divergence.trouble + ")\n";
    }
    std::string text = "escapement: replay of " + path_ + ": " + divergence.text() + "\n";
    std::set<ParticipantNumber> participants;
    std::set<ObjectNumber> objects;
    const auto names_in = [&](const KeptRecord& told) {
        participants.insert(told.record.participant);
        if (told.record.kind == JournalRecordKind::operation) objects.insert(told.record.object);
    };
    if (divergence.expected) names_in(*divergence.expected);
    if (divergence.found) names_in(*divergence.found);
    std::for_each(divergence.before.begin(), divergence.before.end(), names_in);
    std::for_each(divergence.after.begin(), divergence.after.end(), names_in);
    for (const ParticipantNumber each : participants) {
        if (each < roles_.size() && !roles_.at(each).empty())
            text += "  participant " + std::to_string(each) + " is '" + roles_.at(each) + "'\n";
    }
    for (const ObjectNumber each : objects) {
        if (each > 0 && each <= objects_.size())
            text += "  object " + std::to_string(each) + " is " + objects_[each - 1] + "\n";
    }
    return text;
}

}  // namespace escapement::link
