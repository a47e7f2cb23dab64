#include "poll_ends.hpp"

namespace escapement::link {

bool PollEnds::open(const char* path) {
    if (file_.open(path) != 0) return false;
    auto reader = JournalReader::open(file_, path);
    if (!reader) return false;
    reader_.emplace(std::move(*reader));
    return true;
}

PollEnds::Poller& PollEnds::poller(ParticipantNumber participant) {
    if (participant >= pollers_.size()) pollers_.resize(participant + 1);
    return pollers_[participant];
}

std::optional<PollEnd> PollEnds::next(ParticipantNumber participant) {
    for (JournalRecord record; poller(participant).ends.empty();) {
        if (!reader_->next(record)) return std::nullopt;
        pass(record);
    }
    Poller& its = poller(participant);
    PollEnd end = std::move(its.ends.front());
    its.ends.pop_front();
    return end;
}

void PollEnds::pass(const JournalRecord& record) {
    Poller& its = poller(record.participant);
    const bool operation = record.kind == JournalRecordKind::operation;
    const bool timed_out = operation && record.operation == OperationKind::resume;
    if (its.waits && (timed_out || record.kind == JournalRecordKind::input)) {
        its.ends.push_back({.clock = record.clock,
                            .timed_out = timed_out,
                            .result = timed_out ? 0 : record.result,
                            .error = record.value,
                            .events = {record.bytes.begin(), record.bytes.end()}});
    }
    its.waits = operation && record.operation == OperationKind::poll && record.result == 0;
}

}  // namespace escapement::link
