#pragma once
// What this library knows of the thread it is called on.

#include <escapement/order.hpp>

#include <cstdint>

namespace escapement::preload {

/// The QEMU adapter's notes of one thread (qemu.hpp).
struct QemuNotes {
    bool round_robin = false;              ///< the vCPU thread
    bool held_replay_mutex = false;        ///< replay_mutex_locked() at this thread's last operation
    bool held_big_lock = false;            ///< the same of the big lock
    bool released_under_big_lock = false;  ///< so the replay mutex was last released
    bool just_unlocked_big_lock = false;   ///< that was this thread's last operation
};

struct ThreadState {
    ParticipantNumber number = nobody;  ///< nobody: not a participant; its calls pass through
    bool outside = false;  ///< a participant that runs without the turn; its next operation comes back
    volatile std::uint32_t inside =
        0;  ///< not 0: in this library; calls pass through (allocators, signal handlers)
    bool cancelled_anywhere = false;  ///< PTHREAD_CANCEL_ASYNCHRONOUS
    bool handles_for_all = false;     ///< runs a handler while everybody waits
    std::uint32_t visits = 0;         ///< to this library since its last operation in the journal
    bool interrupted = false;         ///< in a handler of ours that interrupted the program's own code
    std::uint32_t rounds = 0;         ///< of thread-specific destructors seen at the thread's end
    std::uintptr_t caller = 0;        ///< where the program called this library last
    QemuNotes qemu;
};

// initial-exec: the first touch of any other model may allocate, and an allocator may lock a mutex.
extern constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

}  // namespace escapement::preload
