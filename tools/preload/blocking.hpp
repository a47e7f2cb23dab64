#pragma once
// Calls that may wait for the outside on a descriptor: the caller first waits in the order until the call
// will not block, so that the others go on meanwhile.

#include "runtime.hpp"

namespace escapement::preload {

/// Waits until `descriptor` is ready for `events`, unless the call to come does not block anyway. False if a
/// signal handler or a cancellation ended the wait (EINTR).
bool wait_until_ready(int descriptor, short events);

/// `call` when `descriptor` is ready for `events`.
template <typename Call>
auto call_when_ready(int descriptor, short events, Call call) -> decltype(call()) {
    decltype(call()) result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const CancellationPoint point;
        if (wait_until_ready(descriptor, events)) result = call();
    }
    if (result < 0) pthread_testcancel();
    return result;
}

}  // namespace escapement::preload
