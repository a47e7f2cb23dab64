#include "model.hpp"

#include <algorithm>
#include <vector>

namespace escapement::simulation {

void Model::acquire(unsigned thread, unsigned mutex, unsigned depth) {
    mutexes_.at(mutex) = {.owner = thread, .depth = depth};
    for (Thread& each : threads_) {
        if (each.doing == Doing::locking && each.object == mutex) ++each.passed_by;
    }
}

bool Model::try_lock(unsigned thread, unsigned mutex) {
    Mutex& lock = mutexes_.at(mutex);
    if (lock.depth == 0) {
        acquire(thread, mutex, 1);
        return true;
    }
    if (mutex != recursive_mutex || lock.owner != thread) return false;
    ++lock.depth;
    return true;
}

bool Model::unlock(unsigned thread, unsigned mutex) {
    Mutex& lock = mutexes_.at(mutex);
    if (lock.depth == 0 || lock.owner != thread) return false;
    if (--lock.depth == 0) lock.owner = most_threads;
    return true;
}

void Model::begin(unsigned thread, Doing doing, unsigned object, Nanoseconds deadline) {
    Thread& caller = threads_.at(thread);
    caller.doing = doing;
    caller.object = object;
    caller.depth = doing == Doing::locking ? 1 : 0;
    caller.deadline = deadline;
    caller.result = Wakeup::completed;
    caller.place = ++places_;
    caller.passed_by = 0;
}

void Model::begin_wait(unsigned thread, unsigned condition, unsigned mutex, Nanoseconds deadline) {
    begin(thread, Doing::waiting, condition, deadline);
    Mutex& lock = mutexes_.at(mutex);
    if (lock.depth == 0 || lock.owner != thread) return;
    threads_.at(thread).mutex = mutex;
    threads_.at(thread).depth = lock.depth;
    lock = {};
}

void Model::finish(unsigned thread, Wakeup result) {
    Thread& each = threads_.at(thread);
    each.result = result;
    each.deadline = no_deadline;
    if (each.doing == Doing::waiting && each.depth != 0) {
        each.doing = Doing::locking;
        each.object = each.mutex;
        each.passed_by = 0;
    } else {
        each.doing = Doing::able;
    }
}

unsigned Model::requeue(unsigned from, unsigned wake_count, unsigned to, unsigned move_count) {
    std::vector<unsigned> waiters;
    for (unsigned thread = 0; thread < most_threads; ++thread) {
        const Thread& each = threads_.at(thread);
        if (each.doing == Doing::waiting && each.object == from) waiters.push_back(thread);
    }
    std::sort(waiters.begin(), waiters.end(), [this](unsigned left, unsigned right) {
        return threads_.at(left).place < threads_.at(right).place;
    });
    const auto count = static_cast<unsigned>(waiters.size());
    unsigned done = 0;
    for (; done < count && done < wake_count; ++done)
        finish(waiters.at(done), Wakeup::completed);
    for (unsigned moved = 0; done < count && moved < move_count; ++done, ++moved) {
        threads_.at(waiters.at(done)).object = to;
    }
    return done;
}

void Model::read(unsigned descriptor) {
    if (bytes_.at(descriptor) != 0) --bytes_.at(descriptor);
}

bool Model::expire(Nanoseconds now) {
    bool right = true;
    for (unsigned thread = 0; thread < most_threads; ++thread) {
        const Thread& each = threads_.at(thread);
        if (each.deadline > now) continue;
        // What it waits for came in time, though it did not go on yet.
        if (able(thread)) continue;
        right = right && !(each.doing == Doing::polling && readable(each.object));
        finish(thread, Wakeup::timed_out);
    }
    return right;
}

bool Model::resume(unsigned thread) {
    if (!able(thread)) return false;
    Thread& each = threads_.at(thread);
    const bool locks = each.doing == Doing::locking;
    each.doing = Doing::able;
    each.deadline = no_deadline;
    if (locks) acquire(thread, each.object, each.depth);
    return true;
}

bool Model::holds_any(unsigned thread) const {
    return std::any_of(mutexes_.begin(), mutexes_.end(),
                       [thread](const Mutex& each) { return each.depth != 0 && each.owner == thread; });
}

bool Model::able(unsigned thread) const {
    const Thread& each = threads_.at(thread);
    switch (each.doing) {
        case Doing::able:
            return true;
        case Doing::locking:
            return mutexes_.at(each.object).depth == 0;
        case Doing::joining:
            return threads_.at(each.object).doing == Doing::ended;
        default:
            return false;
    }
}

bool Model::anybody_able() const {
    for (unsigned thread = 0; thread < most_threads; ++thread) {
        if (able(thread)) return true;
    }
    return false;
}

bool Model::anybody_left() const {
    return std::any_of(threads_.begin(), threads_.end(), [](const Thread& each) {
        return each.doing != Doing::unborn && each.doing != Doing::ended;
    });
}

bool Model::anybody(Doing doing) const {
    return std::any_of(threads_.begin(), threads_.end(),
                       [doing](const Thread& each) { return each.doing == doing; });
}

Nanoseconds Model::earliest_deadline() const {
    Nanoseconds earliest = no_deadline;
    for (const Thread& each : threads_)
        earliest = std::min(earliest, each.deadline);
    return earliest;
}

bool Model::deadlocked() const {
    // A descriptor is written by threads only; so who polls one that is empty waits for another thread, like
    // any other.
    const bool can_read = std::any_of(threads_.begin(), threads_.end(), [this](const Thread& each) {
        return each.doing == Doing::polling && readable(each.object);
    });
    return anybody_left() && !anybody_able() && !can_read && earliest_deadline() == no_deadline &&
           !anybody(Doing::outside);
}

}  // namespace escapement::simulation
