#pragma once
// perf_event_open(2) and its refusals, for Counter and Alarm. Async-signal-safe; leaves errno alone.

#include <escapement/counter.hpp>

#include <linux/perf_event.h>

namespace escapement {

/// Counts, and for how long it was asked to and did, as read(2) gives them for `attributes_of`.
struct EventValue {
    Count value = 0;
    std::uint64_t enabled = 0;
    std::uint64_t running = 0;
};

/// User mode only, pinned, read as EventValue.
perf_event_attr attributes_of(const EventCode& event);
/// Opens for the calling thread and moves the descriptor to a high number; asks for user access if
/// `readable`.
tl::expected<int, CounterFailure> open_event(perf_event_attr attributes, bool readable);
/// `multiplexed` if it reads end of file.
tl::expected<EventValue, CounterFailure> read_event(int descriptor);
/// True if the event counts now; only for one that is enabled and of the calling thread.
bool counts_now(int descriptor);
void close_event(int descriptor);

}  // namespace escapement
