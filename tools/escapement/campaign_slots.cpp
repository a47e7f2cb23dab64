#include "campaign_slots.hpp"

#include <escapement/placement.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace escapement::campaign {

tl::expected<Slots, std::string> choose_slots(const Limits& limits, const std::set<unsigned>& cores,
                                              std::optional<std::uint64_t> memory) {
    const std::uint64_t each = limits.cpus_per_run;
    if (cores.size() < each)
        return tl::unexpected(
            fmt::format("a run needs {} CPUs (/limits/cpus_per_run), but there are {} cores to be used: {}",
                        each, cores.size(), format_cpus(cores)));
    Slots slots;
    std::uint64_t jobs = cores.size() / each;
    slots.reason = fmt::format("{} on CPUs {}", each == 1 ? "one a core" : fmt::format("{} CPUs each", each),
                               format_cpus(cores));
    if (limits.jobs > 0) {
        jobs = limits.jobs;
        slots.reason += ", as many as were asked for";
    }
    if (limits.memory_mib > 0 && memory) {
        const std::uint64_t fit = *memory / (limits.memory_mib << 20U);
        if (fit == 0)
            return tl::unexpected(
                fmt::format("a run needs {} MiB (/limits/memory_mib), but {} MiB of memory are available",
                            limits.memory_mib, *memory >> 20U));
        if (fit < jobs) {
            jobs = fit;
            slots.reason += fmt::format(", no more than {} MiB of memory have room for", *memory >> 20U);
        }
    }
    const std::vector<unsigned> in_order(cores.begin(), cores.end());
    const std::uint64_t places = in_order.size() / each;
    for (std::uint64_t job = 0; job < jobs; ++job) {
        const auto first = in_order.begin() + static_cast<std::ptrdiff_t>(job % places * each);
        slots.cpus.emplace_back(first, first + static_cast<std::ptrdiff_t>(each));
    }
    return slots;
}

}  // namespace escapement::campaign
