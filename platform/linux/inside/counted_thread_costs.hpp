#pragma once
// What a counted thread notes while it learns what signals cost.

#include <escapement/counted_thread.hpp>

#include <cstddef>

namespace escapement {

struct CountedThread::Learning {
    static constexpr std::size_t most = 24;
    static constexpr std::size_t most_alarms = 6;
    enum class Phase : std::uint8_t { steps, alarms } phase = Phase::steps;
    // Raw readings at each handler's beginning and end.
    volatile Count entries[most] = {};
    volatile Count exits[most] = {};
    volatile std::size_t signals = 0;
    // How early each alarm came, in counts; what it was set for differs from one to the next.
    volatile std::int64_t early[most_alarms] = {};
    volatile std::size_t alarms = 0;
};

}  // namespace escapement
