#include "trace_tracks.hpp"

#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace escapement::command {

namespace {

bool may_wait(OperationKind operation) noexcept {
    return operation == OperationKind::wait || operation == OperationKind::poll ||
           operation == OperationKind::sleep || operation == OperationKind::join ||
           operation == OperationKind::barrier;
}

/// What a state looks like is the same on all tracks.
const char* colour_of(std::string_view state) noexcept {
    if (state == "running") return "thread_state_running";
    if (state.starts_with("ready")) return "thread_state_runnable";
    if (state == "outside") return "thread_state_iowait";
    return "thread_state_sleeping";
}

}  // namespace

std::string TraceTracks::waiting_state(const JournalRecord& operation) const {
    const auto object = objects_.find(operation.object);
    std::string text = object != objects_.end() ? "waits for " + object->second
                                                : fmt::format("waits: {}", to_string(operation.operation));
    if (object == objects_.end() && operation.object != 0) text += fmt::format(" {}", operation.object);
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
    const std::string name = names_.participant(participant);
    track.counter = "clock of " + name;
    events_.name_track(number_of(participant), name);
}

void TraceTracks::change(ParticipantNumber participant, Track& track, const std::string& state, bool runs,
                         Time time) {
    name(participant, track);
    if (!track.state.empty() && time > track.since)
        events_.slice(number_of(participant), track.state, colour_of(track.state), track.since, time);
    track.state = state;
    track.since = time;
    track.runs = runs;
    events_.counter(track.counter, time, track.clock);
}

void TraceTracks::run(ParticipantNumber participant, Track& track, Time time) {
    if (track.runs) return;
    change(participant, track, "running", true, time);
    // Not where it begins to run: there Chrome's viewer finds what ends there. And not before the arrow's
    // beginning.
    if (track.arrow)
        events_.arrow_to(number_of(participant), track.arrow_name, *track.arrow,
                         std::max(time + 1, track.arrow_begins));
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
    // A launcher's journal does not tell how many go on. Of those who do, it was the first wake of all.
    for (const ParticipantNumber waiter : waiting) {
        Track& track = tracks_[waiter];
        if (track.woken_at != 0) continue;
        track.waker = record.participant;
        track.woken_at = time;
    }
    for (auto left = record.result; left > 0 && !waiting.empty(); --left) {
        Track& woken = tracks_[waiting.front()];
        waiting.pop_front();
        woken.arrow = ++arrows_;
        woken.arrow_name = "wake-up";
        woken.arrow_begins = time;
        events_.arrow_from(number_of(record.participant), "wake-up", arrows_, time);
    }
}

void TraceTracks::draw_waker(Track& woken) {
    const Time time = std::exchange(woken.woken_at, 0);
    if (time == 0 || woken.arrow) return;
    woken.arrow = ++arrows_;
    woken.arrow_name = "wake-up";
    woken.arrow_begins = time;
    events_.arrow_from(number_of(woken.waker), "wake-up", arrows_, time);
}

/// Without turns a lock that had to be waited for shows only when its owner goes on.
void TraceTracks::waited_for_lock(const JournalRecord& record, Track& track, Time time) {
    const std::string lock = std::exchange(track.lock, "");
    if (lock.empty() || record.operation != OperationKind::resume || time <= track.last_time) return;
    change(record.participant, track, lock, false, std::max(track.last_time, track.since));
    change(record.participant, track, "running", true, time);
    owners_[track.last.object] = record.participant;
}

void TraceTracks::operation(const JournalRecord& record, Track& track, Time time) {
    if (!options_.turns) {
        waited_for_lock(record, track, time);
        if (record.operation == OperationKind::lock) track.lock = waiting_state(record);
    }
    mark(record, time);
    if (record.operation == OperationKind::wake || record.operation == OperationKind::post)
        wake(record, time);
    track.last = record;
    track.last_time = time;
    if (record.operation == OperationKind::lock) owners_.try_emplace(record.object, record.participant);
    if (record.operation == OperationKind::unlock) owners_.erase(record.object);
    track.woken_at = 0;
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
    draw_waker(next);
    if (!next.arrow) {  // What woke it tells more.
        next.arrow = ++arrows_;
        next.arrow_name = "turn";
        next.arrow_begins = time - 1;
        events_.arrow_from(number_of(record.participant), "turn", arrows_, time - 1);
    }
    run(record.object, next, time);
}

void TraceTracks::see(const JournalRecord& record) {
    if (!record.bytes.empty() || record.kind == JournalRecordKind::created) names_.see(record);
    if (record.kind == JournalRecordKind::note && record.object != 0 && !record.bytes.empty())
        objects_[record.object] =
            escaped({reinterpret_cast<const char*>(record.bytes.data()), record.bytes.size()});
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
