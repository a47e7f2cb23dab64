#pragma once
// Ordered mutexes. The real mutex is taken as well, when the order has granted it and it is free: whoever
// does not take part (a debugger, a child process, a thread of another kind) finds it as it should be.

#include <escapement/order.hpp>

#include <pthread.h>

namespace escapement::preload {

class Runtime;

/// Locks `mutex` in order; the operation has been counted. Returns what pthread_mutex_timedlock(3) would.
int lock_in_order(Runtime& runtime, pthread_mutex_t* mutex, Nanoseconds deadline);
/// Takes the real mutex that the order has granted the caller.
int take_real_mutex(pthread_mutex_t* mutex, Nanoseconds deadline = no_deadline);
/// The caller ends: the robust mutexes that it holds go to who waits for them.
void release_robust_mutexes();
/// Unlocks the real mutex, then tells the order.
int unlock_in_order(Runtime& runtime, pthread_mutex_t* mutex);

}  // namespace escapement::preload
