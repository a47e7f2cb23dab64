#pragma once
// How many runs go on at once on this machine, and where each of them does.

#include <escapement/campaign.hpp>

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement::campaign {

struct Slots {
    std::vector<std::set<unsigned>> cpus;  ///< of each run that goes on at once
    std::string reason;                    ///< why so many, for people
};

/// `cores`: a CPU of each physical core that may be used; `memory`: what is available, in bytes, where that
/// is known. More jobs than cores share them in turn. An error if not even one run fits.
tl::expected<Slots, std::string> choose_slots(const Limits& limits, const std::set<unsigned>& cores,
                                              std::optional<std::uint64_t> memory);

}  // namespace escapement::campaign
