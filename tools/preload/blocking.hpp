#pragma once
// Calls that may wait for the outside on a descriptor: the caller first waits in the order until the call
// will not block, so that the others go on meanwhile.

#include "outside_input.hpp"
#include "runtime.hpp"

namespace escapement::preload {

/// Waits until `descriptor` is ready for `events`, unless the call to come does not block anyway. False if a
/// signal handler or a cancellation ended the wait (EINTR), or the time that a socket has for it (EAGAIN).
/// The operation has been counted; `facts` are what it gave.
bool wait_until_ready(const DescriptorFacts& facts, int descriptor, short events);

/// `call`, which fills `parts`, when `descriptor` has input; `more` journals what
/// else it gave.
template <typename Call, typename More>
[[gnu::always_inline]] inline ssize_t read_when_ready(int descriptor, const iovec* parts, int count,
                                                      Call call, More more, bool peeks = false) {
    ssize_t result = -1;
    {
        const Entry entry;
        if (!entry.ordered()) return call();
        const CancellationPoint point;
        const DescriptorFacts facts = runtime().operation_on(OperationKind::read, descriptor);
        if (wait_until_ready(facts, descriptor, POLLIN)) {
            result = outside_read(facts, descriptor, parts, count, call, peeks);
            if (facts.journaled() && result >= 0) more();
        }
    }
    if (result < 0) pthread_testcancel();
    return result;
}

}  // namespace escapement::preload
