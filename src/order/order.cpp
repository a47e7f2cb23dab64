#include <escapement/order.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace escapement {

Order::Order(const OrderOptions& options)
    : options_(options), participants_(options.memory), held_(options.memory) {
    options_.quantum = std::max<Count>(options_.quantum, 1);
    options_.outside_quantum = std::max(options_.outside_quantum, options_.quantum);
    options_.operation_ns = std::max<Nanoseconds>(options_.operation_ns, 1);
    participants_.reserve(64);
    participants_.emplace_back();
    set_role(0, "main");
    participants_[0].boundary = options_.quantum;
    take_turn(0);
}

// --- what the participant with the turn does
// -------------------------------------------------------------------------

void Order::advance(Count count, Nanoseconds time) {
    self().clock += count;
    since_polls_ += count;
    now_ += time;
}

void Order::operation() {
    ++statistics_.operations;
    advance(1, options_.operation_ns);
}

void Order::ask_time() {
    // So many, and not fewer: who notes the time of what it does now and then sees it pass as ever.
    constexpr std::uint32_t asks_of_no_meaning = 512;
    constexpr std::uint32_t asks_until_twice_as_fast = 64;
    constexpr std::uint32_t most_doublings = 13;
    constexpr Nanoseconds least_between_answers = 1000;
    if (!options_.waits_by_asking) return;
    now_ = std::max(now_, self().answer + least_between_answers);
    self().answer = now_;
    std::uint32_t& asks = self().asks;
    constexpr std::uint32_t most = asks_of_no_meaning + most_doublings * asks_until_twice_as_fast;
    if (asks < most) ++asks;
    if (asks <= asks_of_no_meaning || anybody_else_runnable()) return;
    Nanoseconds to =
        now_ + (options_.operation_ns << ((asks - asks_of_no_meaning) / asks_until_twice_as_fast));
    for (const Participant& each : participants_)
        to = std::min(to, std::max(each.deadline, now_));
    now_ = to;
    self().answer = now_;
}

bool Order::due() const {
    if (options_.policy == Policy::ticktock) return participants_.size() > 1;
    const Participant& caller = self();
    return caller.clock >= caller.boundary || (caller.overdue && anybody_else_runnable());
}

void Order::yield() {
    Participant& caller = self();
    if (caller.clock >= caller.boundary) ++statistics_.boundaries;
    caller.state = State::ready;
    caller.wakeup = Wakeup::completed;
    last_ = current_;
    current_ = nobody;
}

void Order::give_way() {
    self().resting = true;
    yield();
}

ParticipantNumber Order::create() {
    const Count clock = self().clock;
    const auto free = std::find_if(participants_.begin(), participants_.end(),
                                   [](const Participant& each) { return each.state == State::released; });
    const auto number = static_cast<ParticipantNumber>(free - participants_.begin());
    if (free == participants_.end()) participants_.emplace_back();
    participants_[number] = Participant{.clock = clock};
    return number;
}

void Order::release(ParticipantNumber participant) {
    State& state = participants_[participant].state;
    // What it never unlocked is its own for ever: who gets its number next would hold that.
    if (held_.holds_any(participant)) return;
    if (state == State::exited || state == State::ready) state = State::released;
}

void Order::exit() {
    self().state = State::exited;
    last_ = current_;
    current_ = nobody;
}

bool Order::lock(ObjectKey mutex, bool recursive, Nanoseconds deadline, const char* what) {
    if (try_lock(mutex, recursive)) return true;
    self().depth = 1;
    begin_wait(State::locking, mutex, what, deadline);
    return false;
}

bool Order::try_lock(ObjectKey mutex, bool recursive) {
    if (HeldLocks::Lock* const lock = held_.find(mutex); lock != nullptr) {
        if (!recursive || lock->owner != current_) return false;
        ++lock->depth;
        return true;
    }
    held_.insert({.key = mutex, .owner = current_, .depth = 1, .since = self().clock});
    return true;
}

bool Order::unlock(ObjectKey mutex) {
    HeldLocks::Lock* const lock = held_.find(mutex);
    if (lock == nullptr || lock->owner != current_) return false;
    if (--lock->depth == 0) {
        lock->depth = 1;  // a slot of depth 0 is an empty one
        release(lock);
    }
    return true;
}

void Order::forget(ObjectKey mutex) {
    if (HeldLocks::Lock* const lock = held_.find(mutex); lock != nullptr) held_.erase(lock);
}

void Order::release(HeldLocks::Lock* lock) {
    // Those who wait for it become runnable by this alone. Whoever gets it goes on past the caller's clock,
    // because it is the caller who lets him; but until then he keeps the clock at which he asked, and with it
    // his place before all who went on meanwhile. Were it dragged along at every release, he would lose every
    // tie to a lower number, for ever.
    const Count clock = self().clock;
    for (Participant& other : participants_) {
        if (other.state != State::locking || other.object != lock->key) continue;
        other.resume_at = std::max(other.resume_at, clock + 1);
        // The caller's boundaries may always come while it holds the lock: the other has waited long enough.
        if (clock >= other.clock + options_.quantum) self().overdue = true;
    }
    held_.erase(lock);
}

void Order::wait(ObjectKey object, const char* what, Nanoseconds deadline) {
    self().depth = 0;
    begin_wait(State::waiting, object, what, deadline);
}

void Order::wait(ObjectKey object, const char* what, ObjectKey mutex, Nanoseconds deadline,
                 const char* mutex_what) {
    HeldLocks::Lock* const lock = held_.find(mutex);
    const bool held = lock != nullptr && lock->owner == current_;
    self().mutex = mutex;
    self().mutex_what = mutex_what;
    self().depth = held ? lock->depth : 0;
    if (held) release(lock);
    begin_wait(State::waiting, object, what, deadline);
}

std::size_t Order::wake(ObjectKey object, std::size_t count) {
    return requeue(object, count, object, 0);
}

std::size_t Order::requeue(ObjectKey from, std::size_t wake_count, ObjectKey to, std::size_t move_count) {
    std::size_t woken = 0;
    std::size_t moved = 0;
    std::uint64_t seen = 0;  // the last one's number: `to` may be `from`
    const Count clock = self().clock + 1;
    while (woken < wake_count || moved < move_count) {
        Participant* first = nullptr;
        for (Participant& each : participants_) {
            if (each.state == State::waiting && each.object == from && each.wait_number > seen &&
                (first == nullptr || each.wait_number < first->wait_number)) {
                first = &each;
            }
        }
        if (first == nullptr) break;
        seen = first->wait_number;
        if (woken < wake_count) {
            make_ready(*first, Wakeup::completed, clock);
            ++woken;
        } else {
            first->object = to;
            ++moved;
        }
    }
    return woken + moved;
}

void Order::poll(const char* what, Nanoseconds deadline) {
    self().depth = 0;
    begin_wait(State::polling, 0, what, deadline);
}

void Order::sleep(Nanoseconds deadline) {
    // Keys are addresses or small numbers: no host wakes this one.
    self().depth = 0;
    begin_wait(State::waiting, std::numeric_limits<ObjectKey>::max(), "a time", deadline);
}

bool Order::join(ParticipantNumber participant, Nanoseconds deadline) {
    if (participants_[participant].state == State::exited) {
        self().clock = std::max(self().clock, participants_[participant].clock + 1);
        return true;
    }
    self().depth = 0;
    begin_wait(State::joining, participant, "the end of participant", deadline);
    return false;
}

void Order::leave(const char* what) {
    self().depth = 0;
    begin_wait(State::outside, 0, what, no_deadline);
}

void Order::begin_wait(State state, ObjectKey object, const char* what, Nanoseconds deadline) {
    Participant& caller = self();
    caller.state = state;
    caller.wakeup = Wakeup::completed;
    caller.object = object;
    caller.what = what;
    caller.deadline = deadline;
    caller.since = caller.clock;
    caller.resume_at = 0;
    if (deadline > now_) caller.asks = 0;  // no wait: a look whether anything is there
    caller.wait_number = ++waits_;
    last_ = current_;
    current_ = nobody;
}

// --- what is known
// ---------------------------------------------------------------------------------------------------

ParticipantNumber Order::holder(ObjectKey mutex) const {
    const HeldLocks::Lock* const lock = held_.find(mutex);
    return lock == nullptr ? nobody : lock->owner;
}

void Order::set_role(ParticipantNumber participant, const char* role) {
    char* const to = participants_[participant].role;
    std::strncpy(to, role, sizeof(Participant::role) - 1);
    to[sizeof(Participant::role) - 1] = '\0';
    // A program names its threads as it likes, and reports print it: no terminal is to obey a name. Those
    // below blank, and in UTF-8 those from 0x80 to 0x9f (ECMA-48: C0 and C1).
    for (char* at = to; *at != '\0'; ++at) {
        const auto byte = static_cast<unsigned char>(*at);
        const bool second = byte == 0xc2 && static_cast<unsigned char>(at[1]) < 0xa0 && at[1] != '\0';
        if (byte < 0x20 || byte == 0x7f || second) *at = '?';
        if (second) at[1] = '?';
    }
}

void Order::set_returns_early(ParticipantNumber participant, bool returns_early) {
    participants_[participant].returns_early = returns_early;
}

void Order::after_fork() {
    for (ParticipantNumber number = 0; number < participants_.size(); ++number) {
        if (number != current_) participants_[number] = Participant{.state = State::released};
    }
    suspended_ = 0;
    held_.keep_only(current_);
}

}  // namespace escapement
