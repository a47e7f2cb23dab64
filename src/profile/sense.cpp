#include "profile/sense.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement::profile {

namespace {

/// The first name that is there twice; null if there is none.
template <typename List, typename Name>
const std::string* twice(const List& list, Name name) {
    for (std::size_t second = 1; second < list.size(); ++second) {
        for (std::size_t first = 0; first < second; ++first) {
            if (name(list[first]) == name(list[second])) return &name(list[second]);
        }
    }
    return nullptr;
}

bool is_time(const std::string& text) {
    const std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
    return text.size() == shape.size() &&
           std::equal(text.begin(), text.end(), shape.begin(), [](char letter, char wanted) {
               return wanted == 'd' ? letter >= '0' && letter <= '9' : letter == wanted;
           });
}

const EventFinding* measured(const CoreProfile& core, const Event& event) {
    for (const EventFinding& finding : core.events) {
        if (finding.name == event.name && finding.code == event.code) return &finding;
    }
    return nullptr;
}

}  // namespace

std::string nonsense(const Figure& figure) {
    if (figure.n == 0) {
        if (figure.value != 0 || figure.low != 0 || figure.high != 0)
            return "n is 0, nothing was measured, but there are figures";
        return {};
    }
    // Written so that what is not a number is refused, too.
    if (!(figure.low <= figure.value && figure.value <= figure.high))
        return fmt::format("low, value and high are not in order: {}, {}, {}", figure.low, figure.value,
                           figure.high);
    return {};
}

std::string nonsense(const Fingerprint& host) {
    return host.architecture.empty() ? "the architecture is empty" : "";
}

std::string nonsense(const CodeFinding& finding) {
    if (finding.n == 0 && (finding.least != 0 || finding.most != 0))
        return "n is 0, nothing was counted, but there are deviations";
    if (finding.least > finding.most)
        return fmt::format("the least deviation, {}, is more than the most, {}", finding.least, finding.most);
    return {};
}

std::string nonsense(const OvercountFinding& finding) {
    return finding.cause.empty() ? "the cause is empty" : "";
}

std::string nonsense(const SkidFinding& finding) {
    if (finding.alarm.empty()) return "the alarm's name is empty";
    if (finding.period == 0) return "the period is 0";
    if (finding.lost > finding.n || finding.early > finding.n - finding.lost)
        return fmt::format("more alarms were lost or early ({} and {}) than there were ({})", finding.lost,
                           finding.early, finding.n);
    const Count percentiles[] = {finding.p50, finding.p90, finding.p99, finding.p9999, finding.most};
    if (!std::is_sorted(std::begin(percentiles), std::end(percentiles)))
        return fmt::format("the percentiles are not in order: {}", fmt::join(percentiles, ", "));
    const std::uint64_t came = finding.n - finding.lost;
    std::uint64_t counted = 0;
    for (const std::uint64_t alarms : finding.histogram) {
        if (alarms > came - counted) return fmt::format("the histogram holds more than {} alarms", came);
        counted += alarms;
    }
    if (counted != came) return fmt::format("the histogram holds {} alarms, but {} came", counted, came);
    std::size_t last = finding.histogram.size();
    while (last > 0 && finding.histogram[last - 1] == 0)
        --last;
    if (last > 0 ? bucket(finding.most) != last - 1 : finding.most != 0)
        return fmt::format("the histogram does not end at the largest skid, {}", finding.most);
    if (finding.largest.size() != std::min<std::uint64_t>(came, SkidFinding::kept))
        return fmt::format("{} largest skids are there, not {}", finding.largest.size(),
                           std::min<std::uint64_t>(came, SkidFinding::kept));
    if (!std::is_sorted(finding.largest.rbegin(), finding.largest.rend()))
        return "the largest skids are not in order";
    if (came != 0 && finding.largest.front() != finding.most)
        return fmt::format("the largest skid is {} here and {} there", finding.largest.front(), finding.most);
    return {};
}

std::string nonsense(const LoadFinding& finding) {
    if (finding.load.empty()) return "the load's name is empty";
    if (const auto* name = twice(
            finding.codes, [](const auto& each) -> auto& { return each.code; }))
        return fmt::format("the code '{}' is there twice", *name);
    if (const auto* name = twice(
            finding.overcounts, [](const auto& each) -> auto& { return each.cause; }))
        return fmt::format("the cause '{}' is there twice", *name);
    return {};
}

std::string nonsense(const EventCode&) {
    return {};
}

std::string nonsense(const Event& event) {
    return event.name.empty() ? "the event's name is empty" : "";
}

std::string nonsense(const EventFinding& finding) {
    if (finding.name.empty()) return "the event's name is empty";
    if (!finding.refusal.empty() && !finding.loads.empty())
        return "the event cannot be counted, but there are counts";
    if (const auto* name = twice(
            finding.loads, [](const auto& each) -> auto& { return each.load; }))
        return fmt::format("the load '{}' is there twice", *name);
    return {};
}

std::string nonsense(const HostCosts&) {
    return {};
}

std::string nonsense(const Verdict& verdict) {
    using Fitness = Verdict::Fitness;
    const bool counts = verdict.fitness != Fitness::nothing;
    const bool alarms = verdict.fitness == Fitness::boundaries;
    if (counts && !verdict.clock) return "fit for something, but without a clock";
    if (!counts && verdict.clock) return "fit for nothing, but with a clock";
    if (!counts && verdict.fallback.empty()) return "fit for nothing, but without a fallback";
    if (alarms && !verdict.alarm) return "fit for boundaries, but without an alarm";
    if (!alarms && (verdict.alarm || verdict.margin != 0))
        return "not fit for boundaries, but with an alarm or a margin";
    return {};
}

std::string nonsense(const CoreProfile& core) {
    if (core.core_type.empty()) return "the core type's name is empty";
    if (const auto* name = twice(
            core.events, [](const auto& each) -> auto& { return each.name; }))
        return fmt::format("the event '{}' is there twice", *name);
    if (!core.verdict.clock) return {};
    const EventFinding* const clock = measured(core, *core.verdict.clock);
    if (clock == nullptr || !clock->refusal.empty())
        return fmt::format("the verdict's clock {} was not measured", core.verdict.clock->name);
    if (!core.verdict.alarm) return {};
    const EventFinding* const alarm = measured(core, *core.verdict.alarm);
    if (alarm == nullptr || !alarm->refusal.empty())
        return fmt::format("the verdict's alarm {} was not measured", core.verdict.alarm->name);
    bool seen = false;
    for (const LoadFinding& load : clock->loads) {
        for (const SkidFinding& skid : load.skids) {
            if (skid.alarm != alarm->name) continue;
            seen = seen || skid.n != 0;
            if (skid.lost != 0)
                return fmt::format("the verdict's alarm {} was lost {} times", alarm->name, skid.lost);
            if (skid.most > core.verdict.margin)
                return fmt::format("the margin is {}, but the alarm was seen {} late", core.verdict.margin,
                                   skid.most);
        }
    }
    return !seen ? fmt::format("the verdict's alarm {} was never seen", alarm->name) : "";
}

std::string nonsense(const Profile& profile) {
    if (!profile.created.empty() && !is_time(profile.created))
        return "'created' is not of the form 2026-01-31T12:00:00Z";
    if (profile.effort != "quick" && profile.effort != "default" && profile.effort != "thorough")
        return "'effort' is none of quick, default, thorough";
    if (profile.cores.empty()) return "there is no core in it";
    if (const auto* name = twice(
            profile.cores, [](const auto& each) -> auto& { return each.core_type; }))
        return fmt::format("the core type '{}' is there twice", *name);
    return {};
}

}  // namespace escapement::profile
