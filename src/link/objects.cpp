// Mutexes, conditions, semaphores, events.

#include "domain.hpp"

#include <new>

namespace escapement::link {

Object::Object(escapement_domain& of, const char* called, const char* otherwise)
    : domain(&of), name(called != nullptr ? std::string(otherwise) + " '" + called + "'" : otherwise) {
    domain->references.fetch_add(1, std::memory_order_relaxed);
    Member* const me = self();
    const bool mine = me != nullptr && me->domain == domain;
    const std::uint64_t creator = mine ? me->number + 1 : 0;
    const unsigned number = mine ? ++me->objects : ++domain->objects;
    key = creator << 32 | number;
    if (called == nullptr) name += " " + std::to_string(creator) + "." + std::to_string(number);
}

Object::~Object() {
    unreference(domain);
}

namespace {

/// Makes a `Kind`; `arguments` are for its constructor.
template <typename Kind>
int create(const char* function, escapement_domain* domain, const char* name, const char* otherwise,
           Kind** made) try {
    if (domain == nullptr || made == nullptr) return ESCAPEMENT_INVALID;
    if (domain->closed.load()) return misuse(domain, function, ESCAPEMENT_CLOSED);
    const bool participant = self() != nullptr && self()->domain == domain;
    if (domain->begun.load() && !participant) return misuse(domain, function, ESCAPEMENT_OUTSIDER);
    *made = new Kind(*domain, name, otherwise);
    (*made)->shared.name = (*made)->name.c_str();
    return ESCAPEMENT_OK;
} catch (const std::bad_alloc&) {
    return ESCAPEMENT_NO_MEMORY;
}

template <typename Kind>
int destroy(const char* function, Kind* meeting) {
    if (meeting == nullptr) return ESCAPEMENT_INVALID;
    if (meeting->waiters.load() > 0) return misuse(meeting->domain, function, ESCAPEMENT_IN_USE);
    delete meeting;
    return ESCAPEMENT_OK;
}

/// Counts who waits, for destroy().
class Waiting {
  public:
    explicit Waiting(Meeting& meeting) : meeting_(meeting) { meeting_.waiters.fetch_add(1); }
    ~Waiting() { meeting_.waiters.fetch_sub(1); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

  private:
    Meeting& meeting_;
};

Nanoseconds since_start(const escapement_domain& domain, int64_t deadline) {
    if (deadline == ESCAPEMENT_FOREVER) return no_deadline;
    if (domain.settings.real_time) return domain.engine->now(*self()) + (deadline - realtime_ns());
    return deadline - domain.settings.start;
}

int lock(const char* function, escapement_mutex* mutex, int64_t deadline, bool only_try) {
    if (mutex == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *mutex->domain;
    if (const int status = begin(&domain, function); status != ESCAPEMENT_OK) return status;
    Member& me = *self();
    if (mutex->owner.load(std::memory_order_relaxed) == &me)
        return misuse(&domain, function, ESCAPEMENT_HELD_ALREADY);
    const int status = only_try ? domain.engine->try_lock(me, *mutex)
                                : domain.engine->lock(me, *mutex, since_start(domain, deadline));
    if (status == ESCAPEMENT_OK) {
        mutex->owner.store(&me, std::memory_order_relaxed);
        ++me.held;
    }
    return status;
}

int wait(const char* function, escapement_condition* condition, escapement_mutex* mutex, int64_t deadline) {
    if (condition == nullptr || mutex == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *condition->domain;
    if (const int status = begin(&domain, function); status != ESCAPEMENT_OK) return status;
    if (mutex->domain != &domain) return misuse(&domain, function, ESCAPEMENT_OTHER_DOMAIN);
    Member& me = *self();
    if (mutex->owner.load(std::memory_order_relaxed) != &me)
        return misuse(&domain, function, ESCAPEMENT_NOT_HELD);
    mutex->owner.store(nullptr, std::memory_order_relaxed);
    int status = ESCAPEMENT_OK;
    {
        const Waiting waiting(*condition);
        status = domain.engine->wait(me, *condition, *mutex, since_start(domain, deadline));
    }
    if (status >= ESCAPEMENT_ERRORS) {
        --me.held;
    } else {
        mutex->owner.store(&me, std::memory_order_relaxed);
    }
    return status;
}

}  // namespace

}  // namespace escapement::link

using namespace escapement;
using namespace escapement::link;

int escapement_mutex_create(escapement_domain* domain, const char* name, escapement_mutex** mutex) {
    return create(__func__, domain, name, "mutex", mutex);
}

int escapement_mutex_destroy(escapement_mutex* mutex) {
    if (mutex == nullptr) return ESCAPEMENT_INVALID;
    if (mutex->owner.load() != nullptr && !mutex->domain->stalled.load())
        return misuse(mutex->domain, __func__, ESCAPEMENT_IN_USE);
    delete mutex;
    return ESCAPEMENT_OK;
}

int escapement_mutex_lock(escapement_mutex* mutex) {
    // The same as below, where all that stands there comes to nothing.
    Member* const me = self();
    if (mutex != nullptr && me != nullptr && me->direct != nullptr && me->domain == mutex->domain &&
        undisturbed(*me) && mutex->owner.load(std::memory_order_relaxed) != me &&
        me->direct->lock_at_once(*me->seat, mutex->shared)) {
        mutex->owner.store(me, std::memory_order_relaxed);
        ++me->held;
        return ESCAPEMENT_OK;
    }
    return lock(__func__, mutex, ESCAPEMENT_FOREVER, false);
}

int escapement_mutex_trylock(escapement_mutex* mutex) {
    return lock(__func__, mutex, ESCAPEMENT_FOREVER, true);
}

int escapement_mutex_timedlock(escapement_mutex* mutex, int64_t deadline_ns) {
    return lock(__func__, mutex, deadline_ns, false);
}

int escapement_mutex_unlock(escapement_mutex* mutex) {
    if (mutex == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *mutex->domain;
    Member* const me = self();
    if (me != nullptr && me->direct != nullptr && mutex->owner.load(std::memory_order_relaxed) == me &&
        undisturbed(*me)) {
        mutex->owner.store(nullptr, std::memory_order_relaxed);
        --me->held;
        me->direct->unlock(*me->seat, mutex->shared);
        return ESCAPEMENT_OK;
    }
    if (me != nullptr && me->domain == &domain && mutex->owner.load(std::memory_order_relaxed) != me)
        return misuse(&domain, __func__, ESCAPEMENT_NOT_HELD);
    if (const int status = begin(&domain, __func__); status != ESCAPEMENT_OK) return status;
    mutex->owner.store(nullptr, std::memory_order_relaxed);
    --self()->held;
    domain.engine->unlock(*self(), *mutex);
    return ESCAPEMENT_OK;
}

int escapement_condition_create(escapement_domain* domain, const char* name,
                                escapement_condition** condition) {
    return create(__func__, domain, name, "condition", condition);
}

int escapement_condition_destroy(escapement_condition* condition) {
    return destroy(__func__, condition);
}

int escapement_condition_wait(escapement_condition* condition, escapement_mutex* mutex) {
    return wait(__func__, condition, mutex, ESCAPEMENT_FOREVER);
}

int escapement_condition_timedwait(escapement_condition* condition, escapement_mutex* mutex,
                                   int64_t deadline_ns) {
    return wait(__func__, condition, mutex, deadline_ns);
}

int escapement_condition_signal(escapement_condition* condition) {
    if (condition == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(condition->domain, __func__); status != ESCAPEMENT_OK) return status;
    return condition->domain->engine->wake(*self(), *condition, 1);
}

int escapement_condition_broadcast(escapement_condition* condition) {
    if (condition == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(condition->domain, __func__); status != ESCAPEMENT_OK) return status;
    return condition->domain->engine->wake(*self(), *condition, parallel::most_seats);
}

int escapement_semaphore_create(escapement_domain* domain, const char* name, uint64_t value,
                                escapement_semaphore** semaphore) {
    const int status = create(__func__, domain, name, "semaphore", semaphore);
    if (status == ESCAPEMENT_OK) (*semaphore)->shared.value = value;
    return status;
}

int escapement_semaphore_destroy(escapement_semaphore* semaphore) {
    return destroy(__func__, semaphore);
}

int escapement_semaphore_acquire(escapement_semaphore* semaphore) {
    return escapement_semaphore_timedacquire(semaphore, ESCAPEMENT_FOREVER);
}

int escapement_semaphore_tryacquire(escapement_semaphore* semaphore) {
    if (semaphore == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(semaphore->domain, __func__); status != ESCAPEMENT_OK) return status;
    return semaphore->domain->engine->try_acquire(*self(), *semaphore);
}

int escapement_semaphore_timedacquire(escapement_semaphore* semaphore, int64_t deadline_ns) {
    if (semaphore == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *semaphore->domain;
    if (const int status = begin(&domain, __func__); status != ESCAPEMENT_OK) return status;
    const Waiting waiting(*semaphore);
    return domain.engine->acquire(*self(), *semaphore, since_start(domain, deadline_ns));
}

int escapement_semaphore_release(escapement_semaphore* semaphore, uint64_t count) {
    if (semaphore == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(semaphore->domain, __func__); status != ESCAPEMENT_OK) return status;
    return semaphore->domain->engine->release(*self(), *semaphore, count);
}

int escapement_event_create(escapement_domain* domain, const char* name, int set, escapement_event** event) {
    const int status = create(__func__, domain, name, "event", event);
    if (status == ESCAPEMENT_OK) (*event)->shared.value = set != 0 ? 1 : 0;
    return status;
}

int escapement_event_destroy(escapement_event* event) {
    return destroy(__func__, event);
}

int escapement_event_set(escapement_event* event) {
    if (event == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(event->domain, __func__); status != ESCAPEMENT_OK) return status;
    return event->domain->engine->set(*self(), *event, true);
}

int escapement_event_reset(escapement_event* event) {
    if (event == nullptr) return ESCAPEMENT_INVALID;
    if (const int status = begin(event->domain, __func__); status != ESCAPEMENT_OK) return status;
    return event->domain->engine->set(*self(), *event, false);
}

int escapement_event_wait(escapement_event* event) {
    return escapement_event_timedwait(event, ESCAPEMENT_FOREVER);
}

int escapement_event_timedwait(escapement_event* event, int64_t deadline_ns) {
    if (event == nullptr) return ESCAPEMENT_INVALID;
    escapement_domain& domain = *event->domain;
    if (const int status = begin(&domain, __func__); status != ESCAPEMENT_OK) return status;
    const Waiting waiting(*event);
    return domain.engine->wait_set(*self(), *event, since_start(domain, deadline_ns));
}

int escapement_sleep_until(int64_t deadline_ns) {
    Member* const me = self();
    if (me == nullptr) return ESCAPEMENT_NOT_A_PARTICIPANT;
    if (deadline_ns == ESCAPEMENT_FOREVER) return misuse(me->domain, __func__, ESCAPEMENT_INVALID);
    if (const int status = begin(me->domain, __func__); status != ESCAPEMENT_OK) return status;
    return me->domain->engine->sleep(*me, since_start(*me->domain, deadline_ns));
}
