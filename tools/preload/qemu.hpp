#pragma once
// What this library knows of QEMU: where its threads may be stopped, and how far the guest has come.
//
// A QEMU linked with its symbols exported (Debian's is) is asked through them; one that exports none is
// ordered like any other program, by operations. Facts used, all from QEMU 7.2 and 10.0
// (accel/tcg/tcg-accel-ops-rr.c, -icount.c, replay/replay-internal.c, util/main-loop.c):
//  - replay_mutex_lock() and _unlock() take an inner mutex for a moment; replay_locked changes while it is
//  held. So the inner
//    mutex is the one over whose unlocking replay_mutex_locked() has changed since it was locked.
//  - The round-robin thread takes the replay mutex twice a round: first at the top of its loop, right after
//  it let go of the
//    big lock; it releases it there while holding the big lock. The second time it has read its instruction
//    budget and goes on to run the guest; it is released without the big lock. Only at the first may it be
//    stopped: at the second the main loop could make the budget stale. Only there may icount_get_raw() be
//    read: it ends the process elsewhere.

#include "settings.hpp"

#include <pthread.h>

#include <cstdint>

namespace escapement::preload {

class Runtime;

/// Looks for QEMU in this process, before the domain begins. True if guest instructions will be the clock.
bool find_qemu(const Settings& settings);

/// True if this process is a QEMU that is ordered.
bool is_ordered_qemu();

/// True if this process is a QEMU that records or replays.
bool records_or_replays();

/// True if this process is not to be ordered: QEMU without an instruction counter, whose threads run without
/// end between operations.
bool stands_aside();

/// True if a thread that comes to its boundary may be waiting for the main loop, which polls, without anybody
/// being able to see it: a QEMU that exports no symbols. Then the main loop's poll comes back early, with
/// nothing.
bool gives_way_at_boundaries();

/// The name of the clock in use, for statistics.
const char* clock_name();

/// Before the caller locks `mutex`: notes the guest's progress; true if the caller may be stopped here.
bool qemu_before_lock(Runtime& runtime, pthread_mutex_t* mutex);
/// True if the caller may be stopped at an operation that is no lock.
bool qemu_may_stop();
void qemu_before_unlock(pthread_mutex_t* mutex);
void qemu_before_wait();
/// True if the vCPU thread polls for what only this process's own threads can bring, and none of these goes
/// on before. (It waits for a disk in the middle of an instruction, holding the locks that the main loop
/// wants.)
bool qemu_waits_for_itself(Runtime& runtime);

}  // namespace escapement::preload
