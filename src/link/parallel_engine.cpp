// A domain whose participants run at once.

#include "domain.hpp"
#include "journal.hpp"
#include "parallel/order.hpp"
#include "parallel_witness.hpp"

#include <array>
#include <cerrno>
#include <optional>

namespace escapement::link {

namespace {

using parallel::Kind;
using parallel::Outcome;

class ParallelEngine final : public Engine {
  public:
    ParallelEngine(const Settings& settings, Stuck stuck, Journal* journal)
        : settings_(settings),
          journal_(journal),
          order_({.quantum = settings.quantum,
                  .free = settings.policy == ESCAPEMENT_FREE,
                  .cpus = usable_cpus()}),
          stuck_(std::move(stuck)) {
        if (journal != nullptr) order_.witness = &witness_.emplace(*journal);
        order_.stuck = [this](const std::string& report) { stuck_(deadlock, report); };
        order_.ring = [this](const parallel::Seat& seat) { bells_.at(seat.number)->ring(); };
    }

    bool admit(Member& member, Member* by) override {
        member.seat = order_.admit(member.role.c_str(), by != nullptr ? by->seat : nullptr);
        if (member.seat == nullptr) return false;
        member.number = member.seat->number;
        if (journal_ == nullptr && !free()) member.direct = &order_;
        return journal_ == nullptr || !journal_->over();
    }
    void enter(Member& /*me*/) override {}
    void leave(Member& member, Member* by) override {
        if (by == &member) {
            order_.request(*member.seat, {.kind = Kind::leave});
        } else {
            (void)order_.withdraw(*member.seat, by != nullptr ? by->seat : nullptr);
        }
    }
    int join(Member& me, Member& other) override {
        return ask(me, {.kind = Kind::join, .other = other.seat});
    }

    void abandon(Member& me, const std::string& why) override {
        order_.abandon(*me.seat, [&](const std::string& report) { stuck_(why, report); });
    }

    void advance(Member& me, Count counts) override { order_.advance(*me.seat, counts); }
    void promise(Member& me, Count counts) override { order_.promise(*me.seat, counts); }
    void boundary(Member& me) override {
        if (parallel::Order::at_boundary(*me.seat)) order_.pass_boundary(*me.seat);
    }
    [[nodiscard]] Count clock(const Member& me) const override { return me.seat->clock; }
    [[nodiscard]] Count next_boundary(const Member& me) const override { return me.seat->boundary; }
    [[nodiscard]] Nanoseconds now(const Member& me) const override {
        return free() ? monotonic_ns() - begun_
                      : static_cast<Nanoseconds>(me.seat->clock) * settings_.ns_per_count;
    }

    int lock(Member& me, Mutex& mutex, Nanoseconds deadline) override {
        const Count clock = me.seat->clock + 1;
        return finish(me, clock, order_.lock(*me.seat, mutex.shared, clock_at(deadline)));
    }
    int try_lock(Member& me, Mutex& mutex) override {
        const Count clock = me.seat->clock + 1;
        return finish(me, clock, order_.try_lock(*me.seat, mutex.shared));
    }
    void unlock(Member& me, Mutex& mutex) override {
        const ObjectNumber number = mutex.shared.journal_number;
        const Count clock = me.seat->clock + 1;
        order_.unlock(*me.seat, mutex.shared);
        if (witness_) witness_->unlocked(*me.seat, number, clock);
    }
    int wait(Member& me, Meeting& condition, Mutex& mutex, Nanoseconds deadline) override {
        return ask(me, {.kind = Kind::wait,
                        .mutex = &mutex.shared,
                        .meeting = &condition.shared,
                        .deadline = clock_at(deadline)});
    }
    int wake(Member& me, Meeting& condition, std::uint64_t count) override {
        return ask(me, {.kind = Kind::wake, .meeting = &condition.shared, .amount = count});
    }
    int acquire(Member& me, Meeting& semaphore, Nanoseconds deadline) override {
        return ask(me, {.kind = Kind::acquire, .meeting = &semaphore.shared, .deadline = clock_at(deadline)});
    }
    int try_acquire(Member& me, Meeting& semaphore) override {
        return ask(me, {.kind = Kind::try_acquire, .meeting = &semaphore.shared});
    }
    int release(Member& me, Meeting& semaphore, std::uint64_t count) override {
        return ask(me, {.kind = Kind::release, .meeting = &semaphore.shared, .amount = count});
    }
    int set(Member& me, Meeting& event, bool value) override {
        return ask(me, {.kind = value ? Kind::set : Kind::reset, .meeting = &event.shared});
    }
    int wait_set(Member& me, Meeting& event, Nanoseconds deadline) override {
        return ask(me, {.kind = Kind::wait_set, .meeting = &event.shared, .deadline = clock_at(deadline)});
    }
    int sleep(Member& me, Nanoseconds deadline) override {
        return status_of(order_.request(*me.seat, {.kind = Kind::sleep, .deadline = clock_at(deadline)}));
    }
    int poll(Member& me, PollRequest& request) override;
    int in_turn(Member& me, const std::function<void()>& action) override {
        if (!free()) return status_of(order_.in_turn(*me.seat, action));
        const std::lock_guard guard(free_turn_);
        action();
        return ESCAPEMENT_OK;
    }

    void statistics(escapement_statistics& statistics) override {
        for (ParticipantNumber number = 0; number < order_.seats(); ++number) {
            const parallel::Seat& seat = order_.seat(number);
            statistics.operations += seat.operations;
            statistics.waits += seat.waits;
            statistics.sleeps += seat.sleeps;
            statistics.boundaries += seat.boundaries;
            statistics.held_back += seat.held_backs;
        }
        statistics.jumps = order_.jumps;
    }
    std::string describe() override {
        const std::lock_guard guard(order_.latch());
        return order_.report();
    }

  private:
    [[nodiscard]] bool free() const { return settings_.policy == ESCAPEMENT_FREE; }
    int ask(Member& me, const parallel::Request& request) {
        const Count clock = me.seat->clock + 1;
        return finish(me, clock, order_.request(*me.seat, request));
    }
    /// After an operation that was asked for at `clock`.
    int finish(const Member& me, Count clock, Outcome outcome) {
        if (witness_) witness_->goes_on(*me.seat, clock, outcome);
        return status_of(outcome);
    }
    [[nodiscard]] int status_of(Outcome outcome) const {
        switch (outcome) {
            case Outcome::completed:
                return ESCAPEMENT_OK;
            case Outcome::timed_out:
                return ESCAPEMENT_TIMED_OUT;
            case Outcome::busy:
                return ESCAPEMENT_BUSY;
            default:
                return ending(journal_);
        }
    }
    int wait_outside(Member& me, PollRequest& request);
    int wait_as_then(Member& me, PollRequest& request);
    /// The clock at which `time` has come.
    [[nodiscard]] Count clock_at(Nanoseconds time) const {
        if (time == no_deadline) return parallel::no_clock;
        if (free()) return static_cast<Count>(std::max<Nanoseconds>(begun_ + time, 0));
        if (time <= 0) return 0;
        return static_cast<Count>((time - 1) / settings_.ns_per_count + 1);
    }

    Settings settings_;
    Journal* journal_;
    parallel::Order order_;
    std::optional<ParallelWitness> witness_;
    Stuck stuck_;
    Nanoseconds begun_ = monotonic_ns();
    std::mutex free_turn_;
    std::array<std::unique_ptr<Doorbell>, parallel::most_seats> bells_;
};

int ParallelEngine::poll(Member& me, PollRequest& request) {
    const bool replays = journal_ != nullptr && journal_->replays();
    const auto look = [&] {
        if (!replays) {
            request.result = ::poll(request.descriptors, request.count, 0);
            request.error = request.result < 0 ? errno : 0;
        }
        if (journal_ != nullptr) (void)journal_->looked(me.number, me.seat->clock, request);
    };
    if (const int status = in_turn(me, look); status != ESCAPEMENT_OK || request.result != 0) return status;
    if (request.deadline <= now(me)) return ESCAPEMENT_TIMED_OUT;
    const int status = replays ? wait_as_then(me, request) : wait_outside(me, request);
    if (me.domain->stalled.load()) return ending(journal_);
    if (journal_ != nullptr) journal_->defer_poll_end(me.number, me.seat->clock, request);
    return status;
}

int ParallelEngine::wait_outside(Member& me, PollRequest& request) {
    const Nanoseconds begun = now(me);
    std::unique_ptr<Doorbell>& bell = bells_.at(me.number);
    if (bell == nullptr) bell = std::make_unique<Doorbell>();
    const Nanoseconds begun_real = monotonic_ns();
    const auto left = [&](Nanoseconds most) {
        return std::max<Nanoseconds>(most - (monotonic_ns() - begun_real), 0);
    };
    if (free()) {
        const Nanoseconds most = request.deadline == no_deadline ? -1 : request.deadline - begun;
        request.result = bell->in_descriptors(request.descriptors, request.count, most);
        request.error = request.result < 0 ? errno : 0;
        return request.result == 0 ? ESCAPEMENT_TIMED_OUT : ESCAPEMENT_OK;
    }
    order_.go_outside(*me.seat, clock_at(request.deadline));
    request.result = bell->in_descriptors(request.descriptors, request.count, -1);
    if (request.result == 0 && request.deadline != no_deadline && me.domain->stalled.load() == false) {
        // The deadline is there. Where nobody did anything meanwhile, what may come gets the time to.
        const Nanoseconds idle = order_.idle(*me.seat) ? left(request.deadline - begun) : 0;
        request.result = bell->in_descriptors(request.descriptors, request.count, idle);
    }
    request.error = request.result < 0 ? errno : 0;
    order_.come_back(*me.seat, request.result == 0 ? clock_at(request.deadline) : 0);
    return request.result == 0 ? ESCAPEMENT_TIMED_OUT : ESCAPEMENT_OK;
}

/// Replaying. Nobody need be waited for: what the caller does next comes after all that is before its clock.
int ParallelEngine::wait_as_then(Member& me, PollRequest& request) {
    const std::optional<Count> clock = journal_->poll_end(me.number, request);
    if (!clock) {  // it waited until the journal's end
        return status_of(order_.request(*me.seat, {.kind = Kind::wait_set, .meeting = &witness_->never}));
    }
    if (*clock > me.seat->clock) order_.advance(*me.seat, *clock - me.seat->clock);
    return request.result == 0 ? ESCAPEMENT_TIMED_OUT : ESCAPEMENT_OK;
}

}  // namespace

std::unique_ptr<Engine> make_parallel(const Settings& settings, Stuck stuck, Journal* journal) {
    return std::make_unique<ParallelEngine>(settings, std::move(stuck), journal);
}

}  // namespace escapement::link
