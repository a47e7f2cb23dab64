#include "report_words.hpp"

#include "report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace escapement::report {

using Fitness = Verdict::Fitness;

std::string headline(const Verdict& verdict) {
    switch (verdict.fitness) {
        case Fitness::boundaries:
            return "Threads can be stopped at exact counts here.";
        case Fitness::order:
            return "Threads can be ordered by exact counts here, but not stopped at them.";
        case Fitness::nothing:
            break;
    }
    return fmt::format("No hardware count is fit to build on here: use {}.", printable(verdict.fallback));
}

std::string headline(const Profile& profile) {
    const auto same = [&](const CoreProfile& core) {
        return headline(core.verdict) == headline(profile.cores.front().verdict);
    };
    if (!profile.cores.empty() && std::all_of(profile.cores.begin(), profile.cores.end(), same))
        return headline(profile.cores.front().verdict);
    std::vector<std::string> exact;
    std::vector<std::string> ordered;
    std::vector<std::string> unfit;
    for (const CoreProfile& core : profile.cores) {
        auto& names = core.verdict.fitness == Fitness::boundaries ? exact
                      : core.verdict.fitness == Fitness::order    ? ordered
                                                                  : unfit;
        names.push_back(printable(core.core_type));
    }
    std::vector<std::string> parts;
    if (!exact.empty()) parts.push_back("stopped at exact counts on " + enumeration(exact));
    if (!ordered.empty()) parts.push_back("only ordered by them on " + enumeration(ordered));
    if (!unfit.empty()) parts.push_back("not counted at all on " + enumeration(unfit));
    return "Threads can be " + enumeration(parts) + ".";
}

std::string how_to_use(const Verdict& verdict) {
    switch (verdict.fitness) {
        case Fitness::boundaries:
            return "escapement run --clock perf -- COMMAND";
        case Fitness::order:
        case Fitness::nothing:
            break;
    }
    return fmt::format("escapement run --clock {} -- COMMAND",
                       verdict.fallback.empty() ? "operations" : printable(verdict.fallback));
}

std::string role_of(const EventFinding& event, const Verdict& verdict) {
    const auto is = [&](const std::optional<Event>& chosen) {
        return chosen && chosen->name == event.name && chosen->code == event.code;
    };
    if (is(verdict.clock)) return is(verdict.alarm) ? "clock and alarm" : "clock";
    if (is(verdict.alarm)) return "alarm";
    if (!event.refusal.empty()) return "refused";
    return event.failed.empty() ? "passed over" : "failed";
}

std::string remark_of(const EventFinding& event) {
    const std::string& remark = event.refusal.empty() ? event.failed : event.refusal;
    if (remark.empty() || remark.rfind(event.name, 0) == 0) return printable(remark);
    return printable(event.name + ": " + remark);
}

Fitness best_fitness(const Profile& profile) {
    Fitness best = Fitness::nothing;
    for (const CoreProfile& core : profile.cores)
        best = std::max(best, core.verdict.fitness);
    return best;
}

std::string system_of(const Fingerprint& host) {
    return "Linux " + printable(host.kernel) +
           (host.hypervisor.empty() ? "" : " on " + printable(host.hypervisor));
}

Deviations deviations_of(const EventFinding& event) {
    Deviations all;
    for (const LoadFinding& load : event.loads) {
        for (const CodeFinding& code : load.codes) {
            if (code.n == 0) continue;
            all.least = all.n == 0 ? code.least : std::min(all.least, code.least);
            all.most = all.n == 0 ? code.most : std::max(all.most, code.most);
            all.n += code.n;
        }
    }
    return all;
}

bool is_exact(const Figure& slope) {
    return slope.value == 0 && slope.low == 0 && slope.high == 0;
}

const OvercountFinding* worst_overcount(const EventFinding& event) {
    const OvercountFinding* most = nullptr;
    for (const LoadFinding& load : event.loads) {
        for (const OvercountFinding& finding : load.overcounts) {
            if (finding.slope.n == 0) continue;
            if (most == nullptr || std::abs(finding.slope.value) > std::abs(most->slope.value))
                most = &finding;
        }
    }
    return most;
}

std::vector<Skids> skids_of(const EventFinding& event) {
    std::vector<Skids> all;
    for (const LoadFinding& load : event.loads) {
        for (const SkidFinding& finding : load.skids) {
            auto found = std::find_if(all.begin(), all.end(),
                                      [&](const Skids& skids) { return skids.alarm == finding.alarm; });
            if (found == all.end()) {
                all.push_back({.alarm = finding.alarm});
                found = all.end() - 1;
            }
            found->n += finding.n;
            found->lost += finding.lost;
            found->early += finding.early;
            found->p50 = std::max(found->p50, finding.p50);
            found->p99 = std::max(found->p99, finding.p99);
            found->most = std::max(found->most, finding.most);
        }
    }
    return all;
}

Figure worst(const EventFinding& event, Figure LoadFinding::*what) {
    Figure most;
    for (const LoadFinding& load : event.loads) {
        const Figure& figure = load.*what;
        if (figure.n != 0 && (most.n == 0 || figure.value > most.value)) most = figure;
    }
    return most;
}

}  // namespace escapement::report
