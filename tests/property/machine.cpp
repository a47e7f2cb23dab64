#include "machine.hpp"

#include <algorithm>

namespace escapement::simulation {

Machine::Machine(const Program& program, Domain& domain, const Keys& keys)
    : program_(program), domain_(domain), keys_(keys) {
    numbers_.fill(nobody);
    numbers_[0] = 0;
    model_.create(0);
    order().set_role(0, "thread 0");
}

Instruction Machine::instruction(unsigned thread) const {
    const std::size_t at = at_.at(thread);
    return at < code(thread).size() ? code(thread)[at] : Instruction{.operation = Operation::exit};
}

bool Machine::ordered(unsigned thread) const {
    return instruction(thread).operation != Operation::compute;
}

bool Machine::may_stop(unsigned thread) const {
    if (!ordered(thread) && instruction(thread).amount % 2 == 0) return false;
    return !program_.stops_only_unlocked || !model_.holds_any(thread);
}

const Participant& Machine::participant(unsigned thread) const {
    return domain_.order().participants()[numbers_.at(thread)];
}

bool Machine::perform(unsigned thread) {
    require(order().current() == numbers_.at(thread), "who performs has not the turn");
    const Instruction each = instruction(thread);
    const Nanoseconds deadline = order().now() + Nanoseconds{each.amount};
    bool goes_on = true;
    unsigned result = 0;
    created_ = 0;
    switch (each.operation) {
        case Operation::compute:
            order().advance(each.amount, Nanoseconds{each.amount});
            break;
        case Operation::lock:
            goes_on = do_lock(thread, each, no_deadline);
            break;
        case Operation::timed_lock:
            goes_on = do_lock(thread, each, deadline);
            break;
        case Operation::try_lock: {
            const bool recursive = each.object == recursive_mutex;
            const bool locked = order().try_lock(keys_.mutexes.at(each.object), recursive);
            require(locked == model_.try_lock(thread, each.object), "try_lock: order and model disagree");
            if (locked) check_fairness(thread, each.object);
            result = locked ? 1 : 0;
            break;
        }
        case Operation::unlock: {
            const bool unlocked = order().unlock(keys_.mutexes.at(each.object));
            require(unlocked == model_.unlock(thread, each.object), "unlock: order and model disagree");
            result = unlocked ? 1 : 0;
            break;
        }
        case Operation::wait:
            goes_on = do_wait(thread, each, no_deadline);
            break;
        case Operation::timed_wait:
            goes_on = do_wait(thread, each, deadline);
            break;
        case Operation::wake:
        case Operation::requeue:
            do_wake(each);
            break;
        case Operation::sleep:
            order().sleep(deadline);
            model_.begin(thread, Model::Doing::sleeping, 0, deadline);
            goes_on = false;
            break;
        case Operation::poll:
            goes_on = do_poll(thread, each, no_deadline);
            break;
        case Operation::timed_poll:
            goes_on = do_poll(thread, each, deadline);
            break;
        case Operation::write:
            model_.write(each.object);
            break;
        case Operation::read_time:
            break;
        case Operation::create:
            do_create(each.object);
            break;
        case Operation::join:
            goes_on = do_join(thread, each.object, no_deadline);
            break;
        case Operation::timed_join:
            goes_on = do_join(thread, each.object, deadline);
            break;
        case Operation::give_way:
            order().give_way();
            goes_on = false;
            break;
        case Operation::leave:
            order().leave("a call that nobody orders");
            model_.begin(thread, Model::Doing::outside, 0, no_deadline);
            looks_.at(thread) = 0;
            goes_on = false;
            break;
        case Operation::exit:
            record(thread, 0);
            order().exit();
            model_.end(thread);
            ++at_.at(thread);
            return false;
    }
    record(thread, result);
    if (goes_on) {
        check_holders(thread);
        ++at_.at(thread);
    }
    return goes_on;
}

bool Machine::do_lock(unsigned thread, const Instruction& each, Nanoseconds deadline) {
    const bool recursive = each.object == recursive_mutex;
    const bool locked = order().lock(keys_.mutexes.at(each.object), recursive, deadline);
    require(locked == model_.try_lock(thread, each.object), "lock: order and model disagree");
    if (locked) {
        check_fairness(thread, each.object);
    } else {
        model_.begin(thread, Model::Doing::locking, each.object, deadline);
    }
    return locked;
}

bool Machine::do_wait(unsigned thread, const Instruction& each, Nanoseconds deadline) {
    order().wait(keys_.conditions.at(each.object), "condition", keys_.mutexes.at(each.second), deadline);
    model_.begin_wait(thread, each.object, each.second, deadline);
    return false;
}

void Machine::do_wake(const Instruction& each) {
    const ObjectKey from = keys_.conditions.at(each.object);
    if (each.operation == Operation::wake) {
        const std::size_t woken = order().wake(from, each.amount);
        require(woken == model_.requeue(each.object, each.amount, each.object, 0), "wake: counts differ");
        return;
    }
    const std::size_t done = order().requeue(from, 1, keys_.conditions.at(each.second), each.amount);
    require(done == model_.requeue(each.object, 1, each.second, each.amount), "requeue: counts differ");
}

bool Machine::do_poll(unsigned thread, const Instruction& each, Nanoseconds deadline) {
    order().poll("descriptor", deadline);
    model_.begin(thread, Model::Doing::polling, each.object, deadline);
    return false;
}

void Machine::do_create(unsigned thread) {
    if (thread >= program_.threads.size() || numbers_.at(thread) != nobody) return;
    const ParticipantNumber number = order().create();
    for (unsigned other = 0; other < most_threads; ++other) {
        const Model::Thread& bearer = model_.thread(other);
        require(numbers_.at(other) != number || bearer.joined, "a number was given to two");
    }
    for (unsigned mutex = 0; mutex < mutex_count; ++mutex) {
        const Model::Mutex& lock = model_.mutex(mutex);
        require(lock.depth == 0 || numbers_.at(lock.owner) != number, "a new participant holds a mutex");
    }
    numbers_.at(thread) = number;
    order().set_role(number, ("thread " + std::to_string(thread)).c_str());
    model_.create(thread);
    clocks_.at(thread) = participant(thread).clock;
    created_ = thread;
}

bool Machine::do_join(unsigned thread, unsigned other, Nanoseconds deadline) {
    const bool possible = other != thread && other < program_.threads.size() &&
                          numbers_.at(other) != nobody && !model_.thread(other).joined;
    if (!possible) return true;
    model_.mark_joined(other, true);
    const bool ended = order().join(numbers_.at(other), deadline);
    require(ended == (model_.thread(other).doing == Model::Doing::ended), "join: order and model disagree");
    if (ended) {
        reap(other);
    } else {
        model_.begin(thread, Model::Doing::joining, other, deadline);
    }
    return ended;
}

void Machine::reap(unsigned thread) {
    order().release(numbers_.at(thread));
}

void Machine::complete(unsigned thread) {
    const Instruction each = instruction(thread);
    const Wakeup wakeup = order().wakeup(numbers_.at(thread));
    require(order().current() == numbers_.at(thread), "who goes on has not the turn");
    require(participant(thread).state == State::running, "who goes on does not run");
    if (each.operation != Operation::give_way) {
        require(wakeup == model_.thread(thread).result, "order and model disagree on how a wait ended");
    }
    const bool polls = each.operation == Operation::poll || each.operation == Operation::timed_poll;
    if (polls && wakeup == Wakeup::completed) model_.read(each.object);
    if (each.operation == Operation::join || each.operation == Operation::timed_join) {
        if (wakeup == Wakeup::completed) {
            reap(each.object);
        } else {
            model_.mark_joined(each.object, false);
        }
    }
    record(thread, 2 + static_cast<unsigned>(wakeup));
    check_holders(thread);
    ++at_.at(thread);
}

void Machine::record(unsigned thread, unsigned result) {
    const Instruction each = instruction(thread);
    const Count clock = participant(thread).clock;
    require(clock >= clocks_.at(thread), "a clock went back");
    require(order().now() >= now_, "virtual time went back");
    clocks_.at(thread) = clock;
    now_ = order().now();
    events_.push_back({.thread = static_cast<std::uint8_t>(thread),
                       .operation = each.operation,
                       .object = each.object,
                       .result = static_cast<std::uint8_t>(result),
                       .clock = clock,
                       .now = now_});
}

void Machine::check_holders(unsigned thread) {
    // Only what the thread's last instruction named can have changed.
    const Instruction each = instruction(thread);
    const bool waits = each.operation == Operation::wait || each.operation == Operation::timed_wait;
    const unsigned mutex = (waits ? each.second : each.object) % mutex_count;
    const Model::Mutex& lock = model_.mutex(mutex);
    const HeldLocks& held = domain_.order().held_locks();
    const HeldLocks::Lock* const found = held.find(keys_.mutexes.at(mutex));
    require((found != nullptr) == (lock.depth != 0), "order and model disagree on whether a mutex is held");
    if (found == nullptr) return;
    require(found->owner == numbers_.at(lock.owner), "order and model disagree on who holds a mutex");
    require(found->depth == lock.depth, "order and model disagree on how deep a mutex is held");
}

void Machine::check_fairness(unsigned thread, unsigned mutex) {
    // Somebody who did not wait got a mutex that others wait for.
    const Count clock = participant(thread).clock;
    if (model_.mutex(mutex).depth > 1 || program_.stops_only_unlocked) return;
    for (unsigned other = 0; other < program_.threads.size(); ++other) {
        const Model::Thread& waiter = model_.thread(other);
        if (waiter.doing != Model::Doing::locking || waiter.object != mutex) continue;
        if (program_.policy == Policy::ticktock) {
            require(waiter.passed_by <= most_threads,
                    "a mutex was taken too often from one who waits for it");
        } else {
            // Whoever asked for something earlier, by his clock, goes before him, continues at the clock of
            // who let him go on, and has a whole quantum from there; so may the next, and the next. But each
            // of them only once: then his clock is past the waiter's. The one turn more is that in which the
            // waiter asked, or that which followed a boundary with the mutex held.
            const Count threads = program_.threads.size();
            require(clock <= participant(other).clock + (threads + 1) * (program_.quantum + 1),
                    "a mutex was taken from one who waited for it longer than everybody's turns");
        }
    }
}

}  // namespace escapement::simulation
