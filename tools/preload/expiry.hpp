#pragma once
// When a timer is due, by virtual time; whatever it does then.

#include <escapement/order.hpp>

#include <cstdint>
#include <ctime>

namespace escapement::preload {

struct Expiry {
    Nanoseconds deadline = no_deadline;  ///< no_deadline: it is not armed
    Nanoseconds interval = 0;            ///< 0: once
};

/// As timerfd_settime(2) and timer_settime(2) are told, by `clock`; `value` must be valid.
Expiry expiry_of(const itimerspec& value, bool absolute, clockid_t clock);
/// It is due at `now`: sets when it is again, and tells how often it was since it was set.
std::uint64_t pass(Expiry& expiry, Nanoseconds now);
/// As timerfd_gettime(2) and timer_gettime(2) tell it, now.
itimerspec remaining(const Expiry& expiry);

}  // namespace escapement::preload
