#pragma once
// escapement.h for C++: the same domain, participants and objects, which clean up after themselves.
//
//     namespace linked = escapement::linked;
//     linked::Domain domain({.quantum = 100'000});
//     linked::Place main_loop = domain.admit("main"), cpu = domain.admit("cpu");
//     linked::Mutex machine(domain, "machine");
//     linked::Condition changed(domain, "changed");
//     std::thread thread([&] {
//         const linked::Participant me(cpu);                      // enters; leaves at the end
//         while (running) {
//             linked::advance(execute(linked::budget()));
//             const std::scoped_lock guard(machine);
//             deliver_interrupts();
//         }
//     });
//     const linked::Participant me(main_loop);
//     std::unique_lock lock(machine);
//     changed.wait(lock, [&] { return halted; });
//     lock.unlock();
//     me.join(cpu);
//     thread.join();
//
// Contract, units and rules: escapement.h. Mutex is Lockable, so std::scoped_lock, std::unique_lock and
// std::lock fit; Condition has std::condition_variable_any's habits, with times of the domain.
// Errors: [[nodiscard]] Status where it can be looked at; what a constructor met is in status(). Nothing
// throws. on_misuse of the options is told as well, also of what std::scoped_lock has no place for.
// Thread safety: as the functions of escapement.h that have the same names.

#include <escapement.h>

#include <cstdint>
#include <functional>
#include <utility>

namespace escapement::linked {

class [[nodiscard]] Status {
  public:
    constexpr Status(int code) noexcept : code_(code) {}  // NOLINT(google-explicit-constructor)
    [[nodiscard]] constexpr int code() const noexcept { return code_; }
    [[nodiscard]] const char* message() const noexcept { return escapement_message(code_); }
    /// Done: neither an error nor too late nor taken.
    constexpr explicit operator bool() const noexcept { return code_ == ESCAPEMENT_OK; }
    [[nodiscard]] constexpr bool timed_out() const noexcept { return code_ == ESCAPEMENT_TIMED_OUT; }
    [[nodiscard]] constexpr bool error() const noexcept { return code_ >= ESCAPEMENT_ERRORS; }

  private:
    int code_;
};

struct Options {
    escapement_policy policy = ESCAPEMENT_COUNTED;
    escapement_mode mode = ESCAPEMENT_AUTO;
    escapement_clock_source clock = ESCAPEMENT_REPORTED;
    std::uint64_t quantum = 0;
    std::uint64_t seed = 0;
    const char* record = nullptr;  ///< journal to write, or
    const char* replay = nullptr;  ///< to follow
    void (*on_stall)(void*, const char*) = nullptr;
    void (*on_misuse)(void*, const char*, int) = nullptr;
    void* context = nullptr;
};

/// What Domain::admit gave: a number, for a thread to come.
using Place = escapement_participant*;

class Domain {
  public:
    explicit Domain(const Options& options = {}) noexcept {
        escapement_options all;
        escapement_options_init(&all);
        all.policy = options.policy;
        all.mode = options.mode;
        all.clock = options.clock;
        all.quantum = options.quantum;
        all.seed = options.seed;
        all.record = options.record;
        all.replay = options.replay;
        all.on_stall = options.on_stall;
        all.on_misuse = options.on_misuse;
        all.context = options.context;
        status_ = escapement_domain_create(&all, &domain_);
    }
    ~Domain() {
        if (domain_ != nullptr) escapement_domain_destroy(domain_);
    }
    Domain(const Domain&) = delete;
    Domain& operator=(const Domain&) = delete;

    [[nodiscard]] Status status() const noexcept { return status_; }
    /// Null if that failed; on_misuse says why.
    [[nodiscard]] Place admit(const char* role) noexcept {
        Place place = nullptr;
        const int status = escapement_admit(domain_, role, &place);
        return status == ESCAPEMENT_OK ? place : nullptr;
    }
    Status close() noexcept { return escapement_domain_close(domain_); }
    [[nodiscard]] escapement_domain* get() const noexcept { return domain_; }

  private:
    escapement_domain* domain_ = nullptr;
    Status status_ = ESCAPEMENT_OK;
};

/// The calling thread is a participant as long as this lives.
class Participant {
  public:
    explicit Participant(Place place) noexcept : place_(place), status_(escapement_enter(place)) {}
    ~Participant() {
        if (status_) escapement_leave(place_);
    }
    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;
    [[nodiscard]] Status status() const noexcept { return status_; }
    Status join(Place other) const noexcept { return escapement_join(other); }

  private:
    Place place_;
    Status status_;
};

inline Status advance(std::uint64_t counts) noexcept {
    return escapement_advance(counts);
}
inline Status report(std::uint64_t total) noexcept {
    return escapement_report(total);
}
inline Status promise(std::uint64_t counts) noexcept {
    return escapement_promise(counts);
}
inline std::uint64_t budget() noexcept {
    return escapement_budget();
}
inline std::uint64_t clock() noexcept {
    return escapement_clock();
}
inline std::int64_t now() noexcept {
    return escapement_now();
}
inline Status sleep_until(std::int64_t deadline_ns) noexcept {
    return escapement_sleep_until(deadline_ns);
}

class Mutex {
  public:
    explicit Mutex(Domain& domain, const char* name = nullptr) noexcept
        : status_(escapement_mutex_create(domain.get(), name, &mutex_)) {}
    ~Mutex() { escapement_mutex_destroy(mutex_); }
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    [[nodiscard]] Status status() const noexcept { return status_; }
    // As the standard's locks call them.
    void lock() noexcept { escapement_mutex_lock(mutex_); }
    bool try_lock() noexcept { return escapement_mutex_trylock(mutex_) == ESCAPEMENT_OK; }
    void unlock() noexcept { escapement_mutex_unlock(mutex_); }
    // For who looks at what came of it.
    [[nodiscard]] Status acquire(std::int64_t deadline_ns = ESCAPEMENT_FOREVER) noexcept {
        return escapement_mutex_timedlock(mutex_, deadline_ns);
    }
    [[nodiscard]] Status release() noexcept { return escapement_mutex_unlock(mutex_); }
    [[nodiscard]] escapement_mutex* get() const noexcept { return mutex_; }

  private:
    escapement_mutex* mutex_ = nullptr;
    Status status_;
};

/// Waits with anything that holds a Mutex: std::unique_lock<Mutex>.
class Condition {
  public:
    explicit Condition(Domain& domain, const char* name = nullptr) noexcept
        : status_(escapement_condition_create(domain.get(), name, &condition_)) {}
    ~Condition() { escapement_condition_destroy(condition_); }
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    [[nodiscard]] Status status() const noexcept { return status_; }
    void notify_one() noexcept { escapement_condition_signal(condition_); }
    void notify_all() noexcept { escapement_condition_broadcast(condition_); }
    template <typename Lock>
    Status wait(Lock& lock) noexcept {
        return escapement_condition_wait(condition_, lock.mutex()->get());
    }
    template <typename Lock>
    Status wait_until(Lock& lock, std::int64_t deadline_ns) noexcept {
        return escapement_condition_timedwait(condition_, lock.mutex()->get(), deadline_ns);
    }
    template <typename Lock, typename Predicate>
    Status wait(Lock& lock, Predicate&& ready) {
        Status status = ESCAPEMENT_OK;
        while (status && !ready())
            status = wait(lock);
        return status;
    }
    template <typename Lock, typename Predicate>
    Status wait_until(Lock& lock, std::int64_t deadline_ns, Predicate&& ready) {
        Status status = ESCAPEMENT_OK;
        while (status && !ready())
            status = wait_until(lock, deadline_ns);
        return status.timed_out() && ready() ? Status(ESCAPEMENT_OK) : status;
    }

  private:
    escapement_condition* condition_ = nullptr;
    Status status_;
};

class Semaphore {
  public:
    Semaphore(Domain& domain, std::uint64_t value, const char* name = nullptr) noexcept
        : status_(escapement_semaphore_create(domain.get(), name, value, &semaphore_)) {}
    ~Semaphore() { escapement_semaphore_destroy(semaphore_); }
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;
    [[nodiscard]] Status status() const noexcept { return status_; }
    Status acquire(std::int64_t deadline_ns = ESCAPEMENT_FOREVER) noexcept {
        return escapement_semaphore_timedacquire(semaphore_, deadline_ns);
    }
    bool try_acquire() noexcept { return escapement_semaphore_tryacquire(semaphore_) == ESCAPEMENT_OK; }
    Status release(std::uint64_t count = 1) noexcept {
        return escapement_semaphore_release(semaphore_, count);
    }

  private:
    escapement_semaphore* semaphore_ = nullptr;
    Status status_;
};

class Event {
  public:
    explicit Event(Domain& domain, bool set = false, const char* name = nullptr) noexcept
        : status_(escapement_event_create(domain.get(), name, set ? 1 : 0, &event_)) {}
    ~Event() { escapement_event_destroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    [[nodiscard]] Status status() const noexcept { return status_; }
    Status set() noexcept { return escapement_event_set(event_); }
    Status reset() noexcept { return escapement_event_reset(event_); }
    Status wait(std::int64_t deadline_ns = ESCAPEMENT_FOREVER) noexcept {
        return escapement_event_timedwait(event_, deadline_ns);
    }

  private:
    escapement_event* event_ = nullptr;
    Status status_;
};

}  // namespace escapement::linked
