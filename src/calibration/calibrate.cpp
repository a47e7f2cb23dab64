// The plan: what is measured, in which order, and which share of the time it gets.
#include "calibration/loads.hpp"
#include "calibration/measure.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement {

using namespace calibration;

namespace {

// Shares of the time.
constexpr double for_costs = 4;
constexpr double for_opening = 1;
constexpr double for_codes = 3;
constexpr double for_overcounts = 6;
constexpr double for_reads = 1;
constexpr double for_skids = 8;

constexpr std::size_t most_alarms = 4;  ///< tried for one clock

/// An event, and what is still known of it only here.
struct Candidate {
    Event event;
    bool clock = false;
    std::vector<Event> alarms{};
    EventFinding finding{};
    std::vector<std::vector<CodeRecord>> by_load{};

    [[nodiscard]] bool open() const { return finding.refusal.empty(); }
    [[nodiscard]] double share_of_load() const {
        return for_codes + for_reads +
               (clock ? for_overcounts + for_skids * static_cast<double>(alarms.size()) : 0.0);
    }
    [[nodiscard]] double share() const {
        return for_opening + share_of_load() * static_cast<double>(loads.size());
    }
};

class CoreCalibration {
  public:
    CoreCalibration(Workbench& workbench, Budget& budget, const Extent& extent, const Workbench::Core& core)
        : workbench_(workbench), budget_(budget), extent_(extent), core_(core) {}

    tl::expected<CoreProfile, std::string> run(const CalibrationOptions& options) {
        CoreProfile profile;
        profile.core_type = core_.type;
        profile.cpus = core_.cpus;
        if (const auto there = workbench_.go_to(core_); !there) {
            profile.verdict = conclude(profile);
            profile.verdict.reasons = {"there is no going to a CPU of this type: " + there.error()};
            return profile;
        }
        auto candidates = candidates_of(options);
        if (!candidates) return tl::unexpected(candidates.error());
        budget_.announce(for_costs);
        for (const Candidate& candidate : *candidates)
            budget_.announce(candidate.share());
        budget_.begin(doing("steps and signals"), for_costs);
        profile.costs = measure_costs(workbench_, budget_, extent_.reads);
        for (Candidate& candidate : *candidates)
            open(candidate);
        for (const char* const load : loads) {
            workbench_.load(load == loads.back());
            for (Candidate& candidate : *candidates) {
                if (candidate.open()) measure(candidate, load);
            }
            workbench_.load(false);
        }
        for (Candidate& candidate : *candidates) {
            tell_kind(candidate);
            profile.events.push_back(std::move(candidate.finding));
        }
        profile.verdict = conclude(profile);
        return profile;
    }

  private:
    [[nodiscard]] std::string doing(const std::string& what) const { return core_.type + ": " + what; }

    tl::expected<std::vector<Candidate>, std::string> candidates_of(const CalibrationOptions& options) {
        std::vector<Event> clocks;
        for (const std::string& name : options.events) {
            auto event = workbench_.find(name);
            if (!event) return tl::unexpected(event.error());
            clocks.push_back(std::move(*event));
        }
        if (options.events.empty()) clocks = workbench_.clock_candidates();
        std::vector<Candidate> candidates;
        const auto known = [&](const Event& event) {
            const auto same = [&](const Candidate& each) { return each.event.name == event.name; };
            return std::any_of(candidates.begin(), candidates.end(), same);
        };
        for (const Event& clock : clocks) {
            if (known(clock)) continue;
            candidates.push_back(
                {.event = clock, .clock = true, .alarms = workbench_.alarm_candidates(clock)});
            auto& alarms = candidates.back().alarms;
            if (alarms.size() > most_alarms) alarms.resize(most_alarms);
        }
        // What is an alarm only comes after, so that no clock is looked for among these before the others.
        for (std::size_t index = 0, all = candidates.size(); index < all; ++index) {
            const std::vector<Event> alarms = candidates[index].alarms;
            for (const Event& alarm : alarms) {
                if (!known(alarm)) candidates.push_back({.event = alarm});
            }
        }
        for (Candidate& candidate : candidates) {
            candidate.finding.name = candidate.event.name;
            candidate.finding.code = candidate.event.code;
        }
        return candidates;
    }

    void open(Candidate& candidate) {
        budget_.begin(doing(candidate.event.name), for_opening);
        if (const auto opened = workbench_.try_open(candidate.event); !opened) {
            candidate.finding.refusal = opened.error().empty() ? "it cannot be counted" : opened.error();
            budget_.drop(candidate.share() - for_opening);
            return;
        }
        if (candidate.clock && !budget_.up()) {
            const auto check = workbench_.self_check(candidate.event);
            candidate.finding.failed = check ? *check : check.error();
        }
        if (!budget_.up()) {
            const auto capacity = workbench_.capacity(candidate.event);
            candidate.finding.at_once = capacity ? capacity->at_once : 0;
            candidate.finding.multiplexing = capacity ? capacity->then : capacity.error();
        }
        candidate.finding.least_period = measure_least_period(workbench_, budget_, candidate.event);
    }

    void measure(Candidate& candidate, const char* load) {
        const std::string where = candidate.event.name + ": ";
        LoadFinding& finding = candidate.finding.loads.emplace_back();
        finding.load = load;
        budget_.begin(doing(where + "known code, " + load), for_codes);
        auto& records = candidate.by_load.emplace_back();
        for (const KnownCode& code : workbench_.codes())
            records.emplace_back(code);
        measure_codes(workbench_, budget_, candidate.event, extent_.code_rounds, records);
        budget_.begin(doing(where + "reading, " + load), for_reads);
        measure_reads(workbench_, budget_, candidate.event, extent_.reads, finding);
        if (!candidate.clock) return;
        budget_.begin(doing(where + "overcounts, " + load), for_overcounts);
        measure_overcounts(workbench_, budget_, candidate.event, extent_.disturbed_rounds, finding);
        // Of what counts nothing, no alarm comes, and how late it would be cannot be said.
        const bool counts = kind_of(records) < kinds.size();
        for (const Event& alarm : candidate.alarms) {
            if (!counts) {
                budget_.drop(for_skids);
                continue;
            }
            budget_.begin(doing(where + "skid, " + load), for_skids);
            measure_skids(workbench_, budget_, candidate.event, alarm, extent_.alarms, finding);
        }
    }

    /// Under both loads it is the same kind: the one that fits in the first, which disturbs less.
    static void tell_kind(Candidate& candidate) {
        EventFinding& finding = candidate.finding;
        if (candidate.by_load.empty()) return;
        const std::size_t kind = kind_of(candidate.by_load.front());
        finding.counts = kind < kinds.size() ? kinds[kind].name : "";
        bool dead = true;
        bool counted = false;
        for (std::size_t load = 0; load < candidate.by_load.size(); ++load) {
            for (const CodeRecord& record : candidate.by_load[load]) {
                finding.loads[load].codes.push_back(record.finding(kind));
                dead = dead && record.only_zeros();
                counted = counted || record.n() != 0;
            }
        }
        if (dead && counted && finding.failed.empty()) finding.failed = "counts: it stays 0, whatever runs";
    }

    Workbench& workbench_;
    Budget& budget_;
    const Extent& extent_;
    const Workbench::Core& core_;
};

const char* name_of(CalibrationOptions::Effort effort) {
    switch (effort) {
        case CalibrationOptions::Effort::quick:
            return "quick";
        case CalibrationOptions::Effort::standard:
            return "default";
        case CalibrationOptions::Effort::thorough:
            break;
    }
    return "thorough";
}

}  // namespace

const char* to_string(Disturbance cause) {
    switch (cause) {
        case Disturbance::page_fault:
            return "page fault";
        case Disturbance::timer_interrupt:
            return "timer interrupt";
        case Disturbance::system_call:
            return "system call";
        case Disturbance::signal:
            return "signal";
        case Disturbance::context_switch:
            return "context switch";
        case Disturbance::migration:
            return "migration";
    }
    return "unknown";
}

tl::expected<Profile, std::string> calibrate(
    Workbench& workbench, const CalibrationOptions& options,
    const std::function<void(const CalibrationProgress&)>& progress) {
    std::vector<Workbench::Core> cores = workbench.cores();
    for (const unsigned cpu : options.cpus) {
        const auto has = [&](const auto& core) {
            return std::count(core.cpus.begin(), core.cpus.end(), cpu) != 0;
        };
        if (std::none_of(cores.begin(), cores.end(), has))
            return tl::unexpected(fmt::format("there is no CPU {} here that this process may run on", cpu));
    }
    if (!options.cpus.empty()) {
        std::erase_if(cores, [&](const Workbench::Core& core) {
            return std::none_of(options.cpus.begin(), options.cpus.end(), [&](unsigned cpu) {
                return std::count(core.cpus.begin(), core.cpus.end(), cpu) != 0;
            });
        });
    }
    if (cores.empty()) return tl::unexpected(std::string("there is no CPU here that could be calibrated"));
    const Extent extent = extent_of(options);
    Profile profile;
    profile.effort = name_of(options.effort);
    profile.host = workbench.fingerprint();
    const std::int64_t end = workbench.now_ns() + extent.total_ns;
    for (std::size_t index = 0; index < cores.size(); ++index) {
        const std::int64_t left = std::max<std::int64_t>(end - workbench.now_ns(), 0);
        const auto to_come = static_cast<std::int64_t>(cores.size() - index);
        const std::int64_t share = left / to_come;
        const auto of_all = [&](const CalibrationProgress& core) {
            const double done =
                (static_cast<double>(index) + core.fraction) / static_cast<double>(cores.size());
            if (progress) progress({core.doing, done, core.left_ns + share * (to_come - 1)});
        };
        Budget budget(workbench, share, of_all);
        auto measured = CoreCalibration(workbench, budget, extent, cores[index]).run(options);
        if (!measured) return tl::unexpected(measured.error());
        profile.cores.push_back(std::move(*measured));
    }
    return profile;
}

}  // namespace escapement
