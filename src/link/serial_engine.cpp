// A domain of which one participant runs at a time.

#include "domain.hpp"
#include "journal.hpp"

#include <escapement/domain.hpp>
#include <escapement/waiting.hpp>

#include <algorithm>
#include <cerrno>

namespace escapement::link {

namespace {

int status_of(Wakeup wakeup) {
    return wakeup == Wakeup::timed_out ? ESCAPEMENT_TIMED_OUT : ESCAPEMENT_OK;
}

class SerialEngine final : public Engine, private Host {
  public:
    SerialEngine(const Settings& settings, Stuck stuck, Journal* journal)
        : settings_(settings),
          journal_(journal),
          stuck_(std::move(stuck)),
          turns_({.policy = settings.policy == ESCAPEMENT_TICKTOCK ? Policy::ticktock : Policy::counted,
                  .quantum = settings.quantum,
                  .operation_ns = settings.ns_per_count},
                 *this) {}

    bool admit(Member& member, Member* by) override {
        if (by != nullptr) turns_.operation();
        // The first participant exists from the beginning.
        member.number = members_.empty() ? 0 : order().create();
        if (member.number >= parallel::most_seats) {
            order().release(member.number);
            return false;
        }
        if (member.number >= members_.size()) members_.resize(member.number + 1);
        members_[member.number] = &member;
        order().set_role(member.number, member.role.c_str());
        return journal_ == nullptr ||
               journal_->admitted(member.number, member.role, clock(member),
                                  by != nullptr ? by->number : nobody, by != nullptr ? clock(*by) : 0);
    }
    void enter(Member& me) override {
        if (me.number != 0) me.place.park();
    }
    void leave(Member& member, Member* by) override {
        if (by != &member) {  // it never had its turn
            note_end(member, by != nullptr ? by->number : member.number);
            order().release(member.number);
            return;
        }
        turns_.operation();
        note_end(member, 0);
        order().exit();
        const ParticipantNumber next = turns_.settle();
        if (next == nobody) return;
        note_turn(member.number, next);
        turn_ = next;
        members_[next]->place.unpark();
    }
    int join(Member& me, Member& other) override {
        if (!operation(me, OperationKind::join, 0, other.number)) return ending(journal_);
        const int status = order().join(other.number) ? static_cast<int>(ESCAPEMENT_OK) : pass(me);
        if (status == ESCAPEMENT_OK) order().release(other.number);
        return status;
    }

    void abandon(Member& /*me*/, const std::string& why) override {
        if (!over_) stuck_(why, order().stall_report());
        over_ = true;
        order().exit();
        const ParticipantNumber next = turns_.settle();
        if (next == nobody) return;
        turn_ = next;
        members_[next]->place.unpark();
    }

    void advance(Member& /*me*/, Count counts) override {
        order().advance(counts, static_cast<Nanoseconds>(counts) * settings_.ns_per_count);
    }
    void promise(Member& /*me*/, Count /*counts*/) override {}
    void boundary(Member& /*me*/) override { turns_.boundary(); }
    [[nodiscard]] Count clock(const Member& me) const override { return participant(me).clock; }
    [[nodiscard]] Count next_boundary(const Member& me) const override { return participant(me).boundary; }
    [[nodiscard]] Nanoseconds now(const Member& /*me*/) const override { return turns_.order().now(); }

    int lock(Member& me, Mutex& mutex, Nanoseconds deadline) override {
        if (!operation(me, OperationKind::lock, of(me, mutex))) return ending(journal_);
        return order().lock(mutex.key, false, deadline, mutex.name.c_str()) ? ESCAPEMENT_OK : pass(me);
    }
    int try_lock(Member& me, Mutex& mutex) override {
        turns_.operation();
        const bool locked = order().try_lock(mutex.key);
        return note(me, OperationKind::try_lock, of(me, mutex), locked ? 0 : 1) ? taken(locked)
                                                                                : ending(journal_);
    }
    void unlock(Member& me, Mutex& mutex) override {
        turns_.operation(false);
        (void)note(me, OperationKind::unlock, of(me, mutex));
        order().unlock(mutex.key);
        turns_.boundary();
    }
    int wait(Member& me, Meeting& condition, Mutex& mutex, Nanoseconds deadline) override {
        if (!operation(me, OperationKind::wait, of(me, condition))) {
            order().unlock(mutex.key);
            return ending(journal_);
        }
        order().wait(condition.key, condition.name.c_str(), mutex.key, deadline, mutex.name.c_str());
        return pass(me);
    }
    int wake(Member& me, Meeting& condition, std::uint64_t count) override {
        turns_.operation();
        const std::size_t woken = order().wake(condition.key, count);
        return noted(me, OperationKind::wake, condition, static_cast<std::int64_t>(woken));
    }
    int acquire(Member& me, Meeting& semaphore, Nanoseconds deadline) override {
        if (!operation(me, OperationKind::wait, of(me, semaphore))) return ending(journal_);
        return take(semaphore) ? ESCAPEMENT_OK : wait_for(me, semaphore, deadline);
    }
    int try_acquire(Member& me, Meeting& semaphore) override {
        turns_.operation();
        const bool took = take(semaphore);
        return note(me, OperationKind::try_lock, of(me, semaphore), took ? 0 : 1) ? taken(took)
                                                                                  : ending(journal_);
    }
    int release(Member& me, Meeting& semaphore, std::uint64_t count) override {
        turns_.operation();
        // Who waits is given its own here: nobody else can take it before it goes on.
        semaphore.shared.value += count - order().wake(semaphore.key, count);
        return noted(me, OperationKind::post, semaphore, static_cast<std::int64_t>(count));
    }
    int set(Member& me, Meeting& event, bool value) override {
        turns_.operation();
        event.shared.value = value ? 1 : 0;
        if (value) order().wake(event.key, parallel::most_seats);
        return noted(me, value ? OperationKind::post : OperationKind::reset, event, 0);
    }
    int wait_set(Member& me, Meeting& event, Nanoseconds deadline) override {
        if (!operation(me, OperationKind::wait, of(me, event))) return ending(journal_);
        return event.shared.value != 0 ? ESCAPEMENT_OK : wait_for(me, event, deadline);
    }
    int sleep(Member& me, Nanoseconds deadline) override {
        if (!operation(me, OperationKind::sleep)) return ending(journal_);
        order().sleep(deadline);
        const int status = pass(me);
        return status == ESCAPEMENT_TIMED_OUT ? ESCAPEMENT_OK : status;
    }
    int poll(Member& me, PollRequest& request) override {
        turns_.operation();
        if (!replays()) look(request);
        if (journal_ != nullptr && !journal_->looked(me.number, clock(me), request)) return ending(journal_);
        if (request.result != 0) return ESCAPEMENT_OK;
        if (request.deadline <= order().now()) return ESCAPEMENT_TIMED_OUT;
        me.polls = &request;
        order().poll("descriptors", request.deadline);
        const int status = pass(me);
        me.polls = nullptr;
        return status;
    }
    int in_turn(Member& /*me*/, const std::function<void()>& action) override {
        turns_.operation();
        action();
        return journal_ != nullptr && journal_->over() ? ending(journal_) : static_cast<int>(ESCAPEMENT_OK);
    }

    void statistics(escapement_statistics& statistics) override {
        const OrderStatistics& known = order().statistics();
        statistics.operations = known.operations;
        statistics.waits = known.switches;
        statistics.sleeps = known.switches;
        statistics.boundaries = known.boundaries;
        statistics.jumps = known.jumps;
    }
    std::string describe() override { return order().stall_report(); }

  private:
    [[nodiscard]] bool replays() const { return journal_ != nullptr && journal_->replays(); }
    /// What the caller did; false: the replay is over.
    [[nodiscard]] bool note(const Member& me, OperationKind kind, ObjectNumber object,
                            std::int64_t result = 0) {
        return journal_ == nullptr || journal_->put({.operation = kind,
                                                     .participant = me.number,
                                                     .object = object,
                                                     .clock = clock(me),
                                                     .result = result});
    }
    int noted(const Member& me, OperationKind kind, Meeting& meeting, std::int64_t result) {
        return note(me, kind, of(me, meeting), result) ? static_cast<int>(ESCAPEMENT_OK) : ending(journal_);
    }
    /// Begins the caller's operation.
    [[nodiscard]] bool operation(const Member& me, OperationKind kind, ObjectNumber object = 0,
                                 std::int64_t result = 0) {
        turns_.operation();
        return note(me, kind, object, result);
    }
    template <typename Kind>
    [[nodiscard]] ObjectNumber of(const Member& me, Kind& object) {
        return journal_ == nullptr ? 0
                                   : journal_->number_of(object.shared.journal_number, object.name.c_str(),
                                                         me.number, clock(me));
    }
    void note_end(const Member& member, std::int64_t result) {
        if (journal_ == nullptr) return;
        (void)journal_->put({.kind = JournalRecordKind::ended,
                             .participant = member.number,
                             .clock = clock(member),
                             .result = result});
    }
    void note_turn(ParticipantNumber from, ParticipantNumber to) {
        if (journal_ == nullptr) return;
        const Participant& participant = turns_.order().participants()[from];
        const TurnEnd end = participant.state == State::ready    ? TurnEnd::boundary
                            : participant.state == State::exited ? TurnEnd::ended
                                                                 : TurnEnd::waits;
        (void)journal_->put({.kind = JournalRecordKind::turn,
                             .participant = from,
                             .object = to,
                             .clock = participant.clock,
                             .result = static_cast<std::int64_t>(end)});
    }
    static int taken(bool is) { return is ? ESCAPEMENT_OK : ESCAPEMENT_BUSY; }
    Order& order() { return turns_.order(); }
    [[nodiscard]] const Participant& participant(const Member& me) const {
        return turns_.order().participants()[me.number];
    }
    static void look(PollRequest& request) {
        request.result = ::poll(request.descriptors, request.count, 0);
        request.error = request.result < 0 ? errno : 0;
    }
    static bool take(Meeting& semaphore) {
        if (semaphore.shared.value == 0) return false;
        --semaphore.shared.value;
        return true;
    }
    int wait_for(Member& me, Meeting& meeting, Nanoseconds deadline) {
        order().wait(meeting.key, meeting.name.c_str(), deadline);
        return pass(me);
    }
    int pass(Member& me) {
        const Wakeup wakeup = turns_.pass_turn();
        if (!me.domain->stalled.load())
            (void)note(me, OperationKind::resume, 0, static_cast<std::int64_t>(wakeup));
        return me.domain->stalled.load() ? ending(journal_) : status_of(wakeup);
    }

    Nanoseconds time_passed(Nanoseconds /*now*/) override { return 0; }
    bool poll_ready(ParticipantNumber participant) override {
        PollRequest* const request = members_[participant]->polls;
        if (request == nullptr) return false;
        if (!replays()) look(*request);
        const bool recorded_if_found = journal_ != nullptr && (replays() || request->result != 0);
        if (!recorded_if_found) return request->result != 0;
        const auto& participants = order().participants();
        return journal_->found(turn_, participants[turn_].clock, participant, participants[participant].clock,
                               *request);
    }
    void hand_over(ParticipantNumber from, ParticipantNumber to) override {
        note_turn(from, to);
        turn_ = to;
        members_[to]->place.unpark();
        members_[from]->place.park();
    }
    IdleEnd idle(Nanoseconds now, Nanoseconds deadline) override {
        IdleEnd end{.reached_deadline = true, .passed = deadline};
        if (!replays()) end = idle_outside(now, deadline);
        if (journal_ == nullptr) return end;
        Nanoseconds time = end.reached_deadline ? deadline : end.passed;
        if (!journal_->idle(turn_, order().participants()[turn_].clock, end.reached_deadline, time))
            return {.reached_deadline = true};
        if (!end.reached_deadline) end.passed = time;
        return end;
    }
    IdleEnd idle_outside(Nanoseconds now, Nanoseconds deadline) {
        std::vector<pollfd> all;
        for (const Member* each : members_) {
            if (each->polls == nullptr) continue;
            all.insert(all.end(), each->polls->descriptors, each->polls->descriptors + each->polls->count);
        }
        // Where nobody outside can send anything, waiting for it would be waiting for nothing.
        const bool paced = deadline == no_deadline || settings_.real_time ||
                           std::any_of(all.begin(), all.end(), may_bring_input);
        if (all.empty() || !paced) return {.reached_deadline = true};
        const Nanoseconds begun = monotonic_ns();
        const int found =
            bell_.in_descriptors(all.data(), all.size(), deadline == no_deadline ? -1 : deadline - now);
        if (found == 0) return {.reached_deadline = true};
        const Nanoseconds most = deadline == no_deadline ? no_deadline : deadline - now;
        return {.reached_deadline = false, .passed = std::min(monotonic_ns() - begun, most)};
    }
    void stuck(const Order& order) override {
        if (!over_) stuck_(deadlock, order.stall_report());
        over_ = true;
        // Everybody's wait ends, one after the other, as stalled. Who waited for a wake-up asks for its mutex
        // first.
        for (ParticipantNumber number = 0; number < members_.size(); ++number) {
            for (unsigned times = 0; times < 2; ++times) {
                const State state = order.participants()[number].state;
                if (state == State::waiting || state == State::locking || state == State::polling ||
                    state == State::joining) {
                    turns_.order().poll_ready(number);
                }
            }
        }
    }

    Settings settings_;
    Journal* journal_;
    Stuck stuck_;
    Domain turns_;
    std::vector<Member*> members_;
    Doorbell bell_;
    ParticipantNumber turn_ = 0;  ///< who has the turn, or had it last
    bool over_ = false;
};

}  // namespace

std::unique_ptr<Engine> make_serial(const Settings& settings, Stuck stuck, Journal* journal) {
    return std::make_unique<SerialEngine>(settings, std::move(stuck), journal);
}

}  // namespace escapement::link
