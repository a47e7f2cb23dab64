#pragma once
// What the C interface (src/link) needs of a way to run a domain: serial or parallel.
//
// Contract. Misuse has been ruled out before any of this is called; each call is made by its participant's
// own thread, but for admit() before anybody has entered. Results are those of escapement.h: OK, TIMED_OUT,
// BUSY, STALLED, DIVERGED. Deadlines are nanoseconds since the domain began.

#include <escapement/order.hpp>

#include <escapement.h>

#include <functional>
#include <memory>
#include <string>

struct escapement_participant;

namespace escapement::link {

using Member = ::escapement_participant;
class Journal;
struct Mutex;
struct Meeting;

struct Settings {
    int policy = ESCAPEMENT_COUNTED;
    int mode = ESCAPEMENT_PARALLEL;
    bool counts_reports = true;
    bool real_time = false;
    Count quantum = 0;
    Nanoseconds ns_per_count = 1;
    Nanoseconds start = 0;
    std::uint64_t seed = 0;
};

/// Waiting for descriptors.
struct PollRequest {
    pollfd* descriptors = nullptr;
    nfds_t count = 0;
    Nanoseconds deadline = no_deadline;
    int result = 0;
    int error = 0;
};

class Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Gives `member` a number; false: too many.
    virtual bool admit(Member& member, Member* by) = 0;
    virtual void enter(Member& me) = 0;
    /// `member` is the caller, or was admitted and never entered.
    virtual void leave(Member& member, Member* by) = 0;
    virtual int join(Member& me, Member& other) = 0;
    /// The caller's thread is about to end without having left: nobody can come after it in order. All waits
    /// end as stalled, after `why` and the report were told.
    virtual void abandon(Member& me, const std::string& why) = 0;

    virtual void advance(Member& me, Count counts) = 0;
    virtual void promise(Member& me, Count counts) = 0;
    /// At a boundary: waits or hands the turn on where that is due.
    virtual void boundary(Member& me) = 0;
    [[nodiscard]] virtual Count clock(const Member& me) const = 0;
    /// Clock of the next boundary.
    [[nodiscard]] virtual Count next_boundary(const Member& me) const = 0;
    [[nodiscard]] virtual Nanoseconds now(const Member& me) const = 0;

    virtual int lock(Member& me, Mutex& mutex, Nanoseconds deadline) = 0;
    virtual int try_lock(Member& me, Mutex& mutex) = 0;
    virtual void unlock(Member& me, Mutex& mutex) = 0;
    virtual int wait(Member& me, Meeting& condition, Mutex& mutex, Nanoseconds deadline) = 0;
    virtual int wake(Member& me, Meeting& condition, std::uint64_t count) = 0;
    virtual int acquire(Member& me, Meeting& semaphore, Nanoseconds deadline) = 0;
    virtual int try_acquire(Member& me, Meeting& semaphore) = 0;
    virtual int release(Member& me, Meeting& semaphore, std::uint64_t count) = 0;
    virtual int set(Member& me, Meeting& event, bool value) = 0;
    virtual int wait_set(Member& me, Meeting& event, Nanoseconds deadline) = 0;
    virtual int sleep(Member& me, Nanoseconds deadline) = 0;
    virtual int poll(Member& me, PollRequest& request) = 0;
    /// Carries out `action` at a place in the order.
    virtual int in_turn(Member& me, const std::function<void()>& action) = 0;

    virtual void statistics(escapement_statistics& statistics) = 0;
    virtual std::string describe() = 0;
};

/// Is told in a line that nobody can go on, and who waits for what; afterwards all waits end as stalled.
/// `journal` may be null.
using Stuck = std::function<void(const std::string& why, const std::string& report)>;
constexpr const char* deadlock = "escapement: deadlock: nobody can go on";
std::unique_ptr<Engine> make_parallel(const Settings& settings, Stuck stuck, Journal* journal);
std::unique_ptr<Engine> make_serial(const Settings& settings, Stuck stuck, Journal* journal);

}  // namespace escapement::link
