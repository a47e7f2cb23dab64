#pragma once
// What a run's clocks count by the profile of this host, instead of a trial at launch.

#include "clock_choice.hpp"

#include <escapement/profile.hpp>

#include <optional>
#include <set>
#include <string>

namespace escapement::command {

struct ClockRequest {
    std::string event;  ///< as asked for, or "auto"
    std::optional<Count> margin;
    std::string profile;      ///< a path, "none", or empty for the standard place
    std::set<unsigned> cpus;  ///< where the program will run; empty: anywhere
    bool wanted = false;      ///< a hardware count or nothing
};

struct NoClock {
    bool ends_run = false;  ///< else there is something else to count by
    std::string reason;
};

/// By the profile, if there is one and no event was named; else by checks at launch. A profile that is
/// refused ends the run if it was named, or if a hardware count is wanted: whoever relies on one must not get
/// another unasked. Otherwise one line on standard error tells of it, and events are checked.
tl::expected<HardwareClock, NoClock> choose_clock(const ClockRequest& request);

/// Why a profile gives no clock, in a line that says what to do.
struct ProfileRefusal {
    bool unfit = false;  ///< the profile is this host's, and says that there is nothing to count by
    std::string reason;
};

/// Nothing if there is no profile to go by: none was wanted, or none is in the standard place. `margin`:
/// instead of the profile's.
tl::expected<std::optional<HardwareClock>, ProfileRefusal> clock_by_profile(const std::string& profile,
                                                                            const std::set<unsigned>& cpus,
                                                                            std::optional<Count> margin);

/// The same, once it is read from `path`, on the host that `here` tells of.
tl::expected<HardwareClock, ProfileRefusal> clock_in_profile(const Profile& profile, const std::string& path,
                                                             const Fingerprint& here,
                                                             const std::set<unsigned>& cpus,
                                                             std::optional<Count> margin);

}  // namespace escapement::command
