#pragma once
// Timers that are descriptors (timerfd_create(2)), by virtual time: a counter of events takes the place of
// the kernel's timer, and gets an event where the order's clock passes the deadline. So a timer fires between
// the same operations every time, and where everybody waits for one, time jumps to it.
//
// All by the participant with the turn.

#include <escapement/order.hpp>

namespace escapement::preload {

/// Fires what is due at `now`, of these and of those that signal (signal_timers.hpp), and tells the order
/// when the next one is.
void fire_timers(Nanoseconds now);
/// Tells the order when the next one is.
void schedule_timers();
/// In a child process: they are the parent's.
void forget_timers();

}  // namespace escapement::preload
