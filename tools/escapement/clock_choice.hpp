#pragma once
// What a run's clocks count, chosen before the program begins.

#include <escapement/event.hpp>

#include <optional>
#include <string>
#include <vector>

namespace escapement::command {

struct HardwareClock {
    Event clock;
    Event alarm;
    Count margin = 0;    ///< counts of `clock` that the alarm may come late
    std::string reason;  ///< in words: what was checked, and what was passed over
};

/// A hardware event that passed its checks on this host, just now, on the CPU that the caller runs on.
/// `event`: a name, or "auto" for the best that there is. `margin`: as asked for; else it follows from the
/// alarms that were tried. In words, why there is none, and what would mend that.
tl::expected<HardwareClock, std::string> choose_hardware_clock(const std::string& event,
                                                               std::optional<Count> margin);

/// "TYPE:CONFIG:CONFIG1:CONFIG2", as the preload library reads it.
std::string encode(const EventCode& code);

}  // namespace escapement::command
