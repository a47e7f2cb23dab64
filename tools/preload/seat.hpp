#pragma once
// A participant's place in this process: where it parks and what it waits for. Seats never move.

#include <escapement/counted_thread.hpp>
#include <escapement/order.hpp>
#include <escapement/parking.hpp>

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>

namespace escapement::preload {

/// What a polling participant waits for. It lives on that participant's stack while it polls.
struct PollRequest {
    pollfd* descriptors = nullptr;
    nfds_t count = 0;
    bool epoll = false;                    ///< the only descriptor is epoll(7)'s
    sem_t* semaphore = nullptr;            ///< waits for its value to be above 0
    const pthread_once_t* once = nullptr;  ///< waits for it to be in nobody's hands
    pid_t child = 0;                       ///< with `children`: which, as for waitpid(2)
    const sigset_t* signals = nullptr;     ///< waits for one of them to be pending
    bool any_signal = false;               ///< waits for a handler to run
    bool children = false;                 ///< waits for a child's change of state as well
    int child_options = 0;                 ///< WEXITED and the like, for waitid(2)
};

struct Seat {
    ParkingPlace place;
    // Written before a wait by the participant, which has the turn; read by whoever decides, who has it then.
    PollRequest* request = nullptr;
    bool interruptible = false;
    bool cancellable = false;  ///< at a point of cancellation, and the program has not turned cancelling off
    // Written by signal handlers and by threads without the turn; read by whoever decides. Sequentially
    // consistent, because they pair with Runtime::idler_: the writer stores this and loads that, the idler
    // stores that and loads this.
    std::atomic<bool> signalled{false};     ///< a handler ran
    std::atomic<bool> interrupted{false};   ///< one did that was installed without SA_RESTART
    std::atomic<bool> from_outside{false};  ///< one did whose signal the process did not send itself
    std::atomic<bool> arrived{false};
    std::atomic<bool> cancelled{false};
    std::atomic<unsigned> handlers{0};  ///< that run on its thread while it is in this library
    // For the keeper, which looks at the holder's CPU time; written before the thread can have the turn.
    std::atomic<pid_t> thread_id{0};
    pthread_t thread{};
    bool detached = false;
    bool bounded = false;  ///< its unordered stretches end by themselves (a vCPU with an instruction budget)
    // Where its clock counts what it does itself (counting.hpp); the participant's own.
    std::optional<CountedThread> counted;
    Count reported_clock = 0;  ///< of it: as far as the order knows
    Count deferral = 0;        ///< counts since it could not be stopped where its boundary was
    std::int64_t turn_began_ns = 0;
    std::int64_t held_ns = 0;

    [[nodiscard]] bool cancellation_wanted() const {
        return cancellable && cancelled.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] bool in_handler() const { return handlers.load(std::memory_order_seq_cst) != 0; }
};

}  // namespace escapement::preload
