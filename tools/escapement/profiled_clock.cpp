#include "profiled_clock.hpp"

#include "report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

namespace escapement::command {

namespace {

using report::printable;

tl::unexpected<ProfileRefusal> refuse(const std::string& reason) {
    return tl::unexpected(ProfileRefusal{.unfit = false, .reason = printable(reason)});
}

tl::unexpected<ProfileRefusal> unfit(const std::string& reason) {
    return tl::unexpected(ProfileRefusal{.unfit = true, .reason = printable(reason)});
}

/// The core type that all of `cpus` are of; null if there is none.
const CoreProfile* core_of(const Profile& profile, const std::set<unsigned>& cpus) {
    if (cpus.empty()) return profile.cores.size() == 1 ? &profile.cores.front() : nullptr;
    for (const CoreProfile& core : profile.cores) {
        const auto has = [&](unsigned cpu) {
            return std::find(core.cpus.begin(), core.cpus.end(), cpu) != core.cpus.end();
        };
        if (std::all_of(cpus.begin(), cpus.end(), has)) return &core;
    }
    return nullptr;
}

/// Rights and other users of the counters are not the profile's: they may have changed since.
std::string cannot_count_now(const HardwareClock& chosen) {
    if (const auto counter = Counter::open(chosen.clock.code); !counter)
        return explain(counter.error(), chosen.clock);
    if (const auto alarm = Alarm::open(chosen.alarm.code, SIGRTMAX); !alarm)
        return explain(alarm.error(), chosen.alarm);
    return {};
}

}  // namespace

tl::expected<HardwareClock, ProfileRefusal> clock_in_profile(const Profile& profile, const std::string& path,
                                                             const Fingerprint& here,
                                                             const std::set<unsigned>& cpus,
                                                             std::optional<Count> margin) {
    if (const std::string differs = difference(profile.host, here); !differs.empty()) {
        return refuse(
            fmt::format("the profile {} is of another host: {}; make a new one by `escapement calibrate`, "
                        "or do without by --profile none",
                        path, differs));
    }
    const CoreProfile* const core = core_of(profile, cpus);
    if (core == nullptr) {
        return refuse(
            fmt::format("the profile {} knows no core type that all of the program's CPUs are of; name CPUs "
                        "of one by --pin, or calibrate them by `escapement calibrate`",
                        path));
    }
    const Verdict& verdict = core->verdict;
    if (verdict.fitness != Verdict::Fitness::boundaries || !verdict.clock || !verdict.alarm) {
        const char* const what = verdict.fitness == Verdict::Fitness::order
                                     ? "nothing wakes a thread in time"
                                     : "no hardware count is fit to build on";
        std::string reason = verdict.reasons.empty() ? "" : verdict.reasons.front();
        if (!reason.empty() && reason.back() == '.') reason.pop_back();
        return unfit(
            fmt::format("the profile {} says of {} that {}{}{}; if that has changed, make a new "
                        "one by `escapement calibrate`",
                        path, core->core_type, what, verdict.reasons.empty() ? "" : ": ", reason));
    }
    const Count chosen = margin.value_or(verdict.margin);
    return HardwareClock{
        .clock = *verdict.clock,
        .alarm = *verdict.alarm,
        .margin = chosen,
        .reason = printable(fmt::format("{} by the profile {}; alarm {}, margin {}", verdict.clock->name,
                                        path, verdict.alarm->name, chosen))};
}

tl::expected<std::optional<HardwareClock>, ProfileRefusal> clock_by_profile(const std::string& profile,
                                                                            const std::set<unsigned>& cpus,
                                                                            std::optional<Count> margin) {
    if (profile == "none") return std::nullopt;
    const std::string path = profile.empty() ? standard_profile_path() : profile;
    std::error_code error;
    if (path.empty() || (profile.empty() && !std::filesystem::exists(path, error))) return std::nullopt;
    const auto loaded = load_profile(path);
    if (!loaded)
        return refuse(loaded.error() +
                      "; make a new one by `escapement calibrate`, or do without by --profile none");
    auto chosen = clock_in_profile(*loaded, path, host_fingerprint(), cpus, margin);
    if (!chosen) return tl::unexpected(chosen.error());
    if (const std::string reason = cannot_count_now(*chosen); !reason.empty())
        return refuse(
            fmt::format("the profile {} has {} counted, but: {}", path, chosen->clock.name, reason));
    return std::optional<HardwareClock>(std::move(*chosen));
}

tl::expected<HardwareClock, NoClock> choose_clock(const ClockRequest& request) {
    const auto checked = [&]() -> tl::expected<HardwareClock, NoClock> {
        auto chosen = choose_hardware_clock(request.event, request.margin);
        if (!chosen) return tl::unexpected(NoClock{.ends_run = request.wanted, .reason = chosen.error()});
        return std::move(*chosen);
    };
    if (request.event != "auto") return checked();
    auto profiled = clock_by_profile(request.profile, request.cpus, request.margin);
    if (profiled) return *profiled ? tl::expected<HardwareClock, NoClock>(std::move(**profiled)) : checked();
    const ProfileRefusal& refusal = profiled.error();
    if (refusal.unfit || request.wanted || !request.profile.empty())
        return tl::unexpected(
            NoClock{.ends_run = request.wanted || !refusal.unfit, .reason = refusal.reason});
    fmt::print(stderr, "escapement: {}; events are checked at launch instead\n", refusal.reason);
    return checked();
}

}  // namespace escapement::command
