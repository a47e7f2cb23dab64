#pragma once
// What a setting of a plan means: an option of `escapement run`, a placeholder, or both.

#include <escapement/campaign.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace escapement::campaign {

/// What of `escapement run` a campaign may vary.
inline constexpr std::array<std::string_view, 9> run_options{"clock",   "event",   "margin", "pin", "policy",
                                                             "profile", "quantum", "seed",   "time"};

inline bool is_run_option(std::string_view name) {
    return std::find(run_options.begin(), run_options.end(), name) != run_options.end();
}

inline std::string placeholder_of(const std::string& setting) {
    return '{' + setting + '}';
}

/// True if the guest's command has the setting's placeholder.
inline bool uses(const Guest& guest, const std::string& setting) {
    const std::string placeholder = placeholder_of(setting);
    return std::any_of(guest.command.begin(), guest.command.end(), [&](const std::string& argument) {
        return argument.find(placeholder) != std::string::npos;
    });
}

}  // namespace escapement::campaign
