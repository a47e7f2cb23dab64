#include "trace_tracks.hpp"

#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement::command {

namespace {

bool may_wait(OperationKind operation) noexcept {
    return operation == OperationKind::wait || operation == OperationKind::poll ||
           operation == OperationKind::sleep || operation == OperationKind::join ||
           operation == OperationKind::barrier;
}

}  // namespace

std::string TraceTracks::waiting_state(const JournalRecord& operation) const {
    std::string text = fmt::format("waits: {}", to_string(operation.operation));
    if (operation.object != 0) text += fmt::format(" {}", operation.object);
    const auto owner = owners_.find(operation.object);
    if (operation.operation == OperationKind::lock && owner != owners_.end())
        text += " held by " + names_.participant(owner->second);
    if (operation.operation == OperationKind::join)
        text += " of " + names_.participant(static_cast<ParticipantNumber>(operation.result));
    return text;
}

TraceTracks::Time TraceTracks::time_of(Track& track, const JournalRecord& record) {
    const Count further = record.clock > track.clock ? record.clock - track.clock : 0;
    // Who goes on continues at least at the clock of who made it: that much it did not do.
    const bool beginning = options_.turns && std::exchange(turn_begins_, false);
    const Count jump = beginning && givers_clock_ > track.clock ? givers_clock_ + 1 - track.clock : 0;
    track.clock = record.clock;
    if (!options_.turns) {
        track.now = std::max(track.now + 1, record.clock);
        return track.now;
    }
    now_ += std::max<Count>(1, further > jump ? further - jump : 0);
    track.now = now_;
    return now_;
}

void TraceTracks::name(ParticipantNumber participant, Track& track) {
    if (track.named) return;
    track.named = true;
    events_.name_track(number_of(participant), names_.participant(participant));
}

void TraceTracks::change(ParticipantNumber participant, Track& track, const std::string& state, bool runs,
                         Time time) {
    name(participant, track);
    if (!track.state.empty() && time > track.since)
        events_.slice(number_of(participant), track.state, track.since, time);
    track.state = state;
    track.since = time;
    track.runs = runs;
    events_.counter(fmt::format("clock of {}", participant), time, track.clock);
}

void TraceTracks::run(ParticipantNumber participant, Track& track, Time time) {
    if (track.runs) return;
    change(participant, track, "running", true, time);
    if (track.arrow) events_.arrow_to(number_of(participant), track.arrow_name, *track.arrow, time);
    track.arrow.reset();
    if (track.last.operation == OperationKind::wait) std::erase(waiters_[track.last.object], participant);
    if (track.last.operation == OperationKind::lock) owners_.try_emplace(track.last.object, participant);
}

void TraceTracks::mark(const JournalRecord& record, Time time) {
    if (record.kind == JournalRecordKind::operation && !options_.operations) return;
    std::string details = fmt::format("{{\"clock\":{},\"result\":{}", record.clock, record.result);
    if (const auto place = names_.places().find(record.address))
        details += fmt::format(",\"at\":{}", json_string(place->text()));
    events_.instant(number_of(record.participant), describe(record), time, details + "}");
}

void TraceTracks::wake(const JournalRecord& record, Time time) {
    auto& waiting = waiters_[record.object];
    for (auto left = record.result; left > 0 && !waiting.empty(); --left) {
        Track& woken = tracks_[waiting.front()];
        waiting.pop_front();
        woken.arrow = ++arrows_;
        woken.arrow_name = "wake-up";
        events_.arrow_from(number_of(record.participant), "wake-up", arrows_, time - 1);
    }
}

void TraceTracks::operation(const JournalRecord& record, Track& track, Time time) {
    mark(record, time);
    if (record.operation == OperationKind::wake || record.operation == OperationKind::post)
        wake(record, time);
    track.last = record;
    if (record.operation == OperationKind::lock) owners_.try_emplace(record.object, record.participant);
    if (record.operation == OperationKind::unlock) owners_.erase(record.object);
    if (record.operation == OperationKind::wait) waiters_[record.object].push_back(record.participant);
    if (options_.turns) return;  // The turn's end tells whether it waits.
    if (may_wait(record.operation)) change(record.participant, track, waiting_state(record), false, time);
    if (record.operation == OperationKind::leave) change(record.participant, track, "outside", false, time);
}

void TraceTracks::turn(const JournalRecord& record, Track& track, Time time) {
    std::string state = fmt::format("ready: {} has the turn", names_.participant(record.object));
    if (record.result == static_cast<std::int64_t>(TurnEnd::waits)) state = waiting_state(track.last);
    if (record.result == static_cast<std::int64_t>(TurnEnd::left)) state = "outside";
    if (record.result == static_cast<std::int64_t>(TurnEnd::ended)) state = "";
    change(record.participant, track, state, false, time);
    givers_clock_ = record.clock;
    turn_begins_ = true;
    Track& next = tracks_[record.object];
    if (!next.arrow) {  // What woke it tells more.
        next.arrow = ++arrows_;
        next.arrow_name = "turn";
        events_.arrow_from(number_of(record.participant), "turn", arrows_, time - 1);
    }
    run(record.object, next, time);
}

void TraceTracks::see(const JournalRecord& record) {
    if (!record.bytes.empty() || record.kind == JournalRecordKind::created) names_.see(record);
    if (record.kind == JournalRecordKind::end || record.kind == JournalRecordKind::module) return;
    Track& track = tracks_[record.participant];
    if (record.kind == JournalRecordKind::role) {
        track.named = false;
        return name(record.participant, track);
    }
    if (record.kind == JournalRecordKind::created) {
        // It did not do what its creator had done before.
        track = {};
        track.clock = record.clock;
        track.now = options_.turns ? now_ : record.clock;
        return change(record.participant, track, "ready", false, std::max<Time>(1, track.now));
    }
    if (record.kind == JournalRecordKind::poll_ready) {
        // Others find this out: it does not run yet.
        return mark(record, options_.turns ? std::max<Time>(now_, 1) : std::max(track.now, record.clock));
    }
    const Time time = time_of(track, record);
    if (track.state.empty() || !track.runs)
        run(record.participant, track, track.runs ? track.since : time - 1);
    switch (record.kind) {
        case JournalRecordKind::operation:
            return operation(record, track, time);
        case JournalRecordKind::turn:
            return turn(record, track, time);
        case JournalRecordKind::ended:
            mark(record, time);
            return change(record.participant, track, "", false, time);
        default:
            return mark(record, time);
    }
}

void TraceTracks::end() {
    for (auto& [participant, track] : tracks_) {
        const Time last = options_.turns ? now_ : track.now;
        if (!track.state.empty()) change(participant, track, "", false, std::max(last, track.since + 1));
    }
}

}  // namespace escapement::command
