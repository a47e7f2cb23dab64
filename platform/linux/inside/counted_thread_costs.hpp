#pragma once
// Reading a counted thread's counter, and what is noted while it is learned what signals cost.

#include "fast_read.hpp"
#include "perf_event.hpp"
#include "raw_system_call.hpp"

#include <escapement/counted_thread.hpp>

#include <sys/syscall.h>

#include <cstddef>

namespace escapement {

struct CountedThread::Learning {
    static constexpr std::size_t most = 24;
    static constexpr std::size_t most_alarms = 9;
    enum class Phase : std::uint8_t { steps, alarms } phase = Phase::steps;
    // Raw readings at each handler's beginning and end.
    volatile Count entries[most] = {};
    volatile Count exits[most] = {};
    volatile std::size_t signals = 0;
    // How early each alarm came, in counts; what it was set for differs from one to the next.
    volatile std::int64_t early[most_alarms] = {};
    volatile std::size_t alarms = 0;
};

/// The counter as it is; where it cannot be read that is remembered. `again`: grows by the tries that the
/// kernel made it repeat, which were counted. Inlined wherever it is used: handlers run while breakpoints are
/// on, and must not execute the very instructions at which the thread is to stop.
[[gnu::always_inline]] inline Count CountedThread::raw(Count& again) {
    if (options_.stepped) return stepped_;
    if (const void* const page = counter_->page(); page != nullptr) {
        const FastRead read = fast_read(page);
        if (read.tries != 0) [[likely]] {
            again += read.tries - 1;
            return read.value;
        }
    }
    EventValue value;
    const long size =
        raw_system_call(SYS_read, counter_->descriptor(), reinterpret_cast<long>(&value), sizeof value);
    if (size != sizeof value) [[unlikely]]
        unreadable_ = true;
    return value.value;
}

}  // namespace escapement
