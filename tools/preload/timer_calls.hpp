#pragma once
// Functions that timers call (SIGEV_THREAD), each on a thread of its own, which is a participant like any
// other. The C library's own threads for that nobody would order.

namespace escapement::preload {

/// Before the first such timer, outside any visit to this library: begins the thread that begins the others,
/// and waits in the order for timers to fire. 0, or why there can be no more threads.
int expect_timer_calls();
/// A timer has one more call to be begun; by the participant with the turn.
void want_timer_call();
/// In a child process: that thread is the parent's.
void forget_timer_calls();

}  // namespace escapement::preload
