#include "expiry.hpp"

#include "runtime.hpp"
#include "timespecs.hpp"

#include <algorithm>

namespace escapement::preload {

Expiry expiry_of(const itimerspec& value, bool absolute, clockid_t clock) {
    Expiry expiry{.interval = interval_of(value.it_interval)};
    if (is_zero(value.it_value)) return expiry;
    expiry.deadline =
        absolute ? runtime().deadline_of(clock, value.it_value) : runtime().deadline_in(value.it_value);
    return expiry;
}

std::uint64_t pass(Expiry& expiry, Nanoseconds now) {
    if (expiry.interval == 0) {
        expiry.deadline = no_deadline;
        return 1;
    }
    const Nanoseconds times = 1 + (now - expiry.deadline) / expiry.interval;
    expiry.deadline += times * expiry.interval;
    return static_cast<std::uint64_t>(times);
}

itimerspec remaining(const Expiry& expiry) {
    if (expiry.deadline == no_deadline) return {};
    // An armed timer never says that it has no time left, as the kernel's does not.
    return {.it_interval = timespec_of(expiry.interval),
            .it_value = timespec_of(std::max<Nanoseconds>(expiry.deadline - runtime().now(), 1))};
}

}  // namespace escapement::preload
