// What comes from outside: recorded, or taken from the journal.

#include "journal.hpp"

#include <algorithm>
#include <cstring>

namespace escapement::link {

namespace {

std::vector<std::byte> events_of(const PollRequest& request) {
    std::vector<std::byte> bytes(request.count * sizeof(short));
    for (nfds_t index = 0; index < request.count; ++index)
        std::memcpy(bytes.data() + index * sizeof(short), &request.descriptors[index].revents, sizeof(short));
    return bytes;
}

void fill(PollRequest& request, std::int64_t result, std::uint64_t error, std::span<const std::byte> events) {
    request.result = static_cast<int>(result);
    request.error = static_cast<int>(error);
    for (nfds_t index = 0; index < request.count; ++index) {
        short revents = 0;
        if ((index + 1) * sizeof(short) <= events.size())
            std::memcpy(&revents, events.data() + index * sizeof(short), sizeof(short));
        request.descriptors[index].revents = revents;
    }
}

JournalRecord record_of(ParticipantNumber who, Count clock, const PollRequest& request) {
    return {.kind = JournalRecordKind::input,
            .participant = who,
            .clock = clock,
            .result = request.result,
            .value = static_cast<std::uint64_t>(request.error)};
}

}  // namespace

bool Journal::looked(ParticipantNumber who, Count clock, PollRequest& request) {
    if (replays()) {
        const JournalRecord* const then = expected(JournalRecordKind::operation, who);
        const bool polled = then != nullptr && then->operation == OperationKind::poll;
        request.result = polled ? static_cast<int>(then->result) : 0;
    }
    if (!put({.operation = OperationKind::poll,
              .participant = who,
              .clock = clock,
              .result = request.result})) {
        return false;
    }
    return request.result == 0 || ready(who, clock, request);
}

bool Journal::found(ParticipantNumber by, Count by_clock, ParticipantNumber who, Count clock,
                    PollRequest& request) {
    // Looks that found nothing left no record, and a turn may be long: its clock says which look this was.
    if (replays()) {
        const JournalRecord* const then = expected(JournalRecordKind::note, by);
        if (then == nullptr || then->object != 0 || then->value != who || then->clock != by_clock)
            return false;
    }
    return put({.kind = JournalRecordKind::note, .participant = by, .clock = by_clock, .value = who}) &&
           ready(who, clock, request);
}

/// What a poll found, behind the record that says so.
bool Journal::ready(ParticipantNumber who, Count clock, PollRequest& request) {
    if (replays()) {
        const JournalRecord* const then = expected(JournalRecordKind::input, who);
        if (then == nullptr) return false;
        fill(request, then->result, then->value, then->bytes);
        return put(record_of(who, clock, request));
    }
    JournalRecord record = record_of(who, clock, request);
    const std::vector<std::byte> events = events_of(request);
    record.bytes = std::span(events).first(std::min(events.size(), most_journal_bytes));
    return put(record);
}

void Journal::defer_poll_end(ParticipantNumber who, Count clock, const PollRequest& request) {
    if (request.result == 0) {
        defer({.operation = OperationKind::resume,
               .participant = who,
               .clock = clock,
               .result = static_cast<std::int64_t>(Wakeup::timed_out)});
        return;
    }
    deferred_.at(who).bytes = events_of(request);
    defer(record_of(who, clock, request));
}

std::optional<Count> Journal::poll_end(ParticipantNumber who, PollRequest& request) {
    const std::lock_guard guard(poll_ends_latch_);
    const std::optional<PollEnd> end = poll_ends_->next(who);
    if (!end) return std::nullopt;
    fill(request, end->result, end->error, end->events);
    return end->clock;
}

bool Journal::input(ParticipantNumber who, Count clock, const char* source, std::span<std::byte> buffer,
                    std::int64_t& result) {
    const auto known =
        std::find_if(sources_.begin(), sources_.end(), [&](const Name& each) { return each.name == source; });
    std::uint32_t number = known != sources_.end() ? known->number : 0;
    if (number == 0) {
        number = number_of(number, (std::string("input '") + source + "'").c_str(), who, clock);
        sources_.push_back({.name = source, .number = number});
    }
    // In pieces that fit into a record; each says how much is still to come.
    const auto size_of = [&](std::int64_t bytes) {
        return std::min(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0)), buffer.size());
    };
    std::size_t done = 0;
    std::size_t left = replays() ? 0 : size_of(result);
    do {
        JournalRecord record{
            .kind = JournalRecordKind::input, .participant = who, .object = number, .clock = clock};
        if (replays()) {
            const JournalRecord* const then = expected(JournalRecordKind::input, who);
            if (then != nullptr && then->object == number && then->bytes.size() <= buffer.size() - done) {
                result = then->result;
                left = static_cast<std::size_t>(then->value);
                std::copy(then->bytes.begin(), then->bytes.end(), buffer.data() + done);
                done += then->bytes.size();
            }
        } else {
            const std::size_t part = std::min(left, most_journal_bytes);
            record.bytes = buffer.subspan(done, part);
            done += part;
            left -= part;
        }
        record.result = result;
        record.value = left;
        if (!put(record)) return false;
    } while (left > 0);
    return true;
}

bool Journal::idle(ParticipantNumber who, Count clock, bool& reached_deadline, Nanoseconds& time) {
    if (replays()) {
        if (const JournalRecord* const then = expected(JournalRecordKind::time_jump, who); then != nullptr) {
            reached_deadline = then->result != 0;
            time = static_cast<Nanoseconds>(then->value);
        }
    }
    return put({.kind = JournalRecordKind::time_jump,
                .participant = who,
                .clock = clock,
                .result = reached_deadline ? 1 : 0,
                .value = static_cast<std::uint64_t>(time)});
}

}  // namespace escapement::link
