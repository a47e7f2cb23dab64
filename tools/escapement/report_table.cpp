#include "report_table.hpp"

#include "report_text.hpp"
#include "report_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace escapement::report {

namespace {

using Rows = std::vector<std::vector<std::string>>;
constexpr std::size_t line_width = 100;

std::string verdict_lines(const CoreProfile& core) {
    const Verdict& verdict = core.verdict;
    std::string text = fmt::format("{} (CPU{} {}): {}\n", printable(core.core_type),
                                   core.cpus.size() == 1 ? "" : "s", cpus_text(core.cpus), headline(verdict));
    Rows rows;
    if (verdict.clock) rows.push_back({"clock", printable(verdict.clock->name)});
    if (verdict.alarm) {
        rows.push_back({"alarm", printable(verdict.alarm->name)});
        rows.push_back({"margin", count_text(verdict.margin) + " counts"});
    }
    rows.push_back({"use", how_to_use(verdict)});
    text += aligned(rows, 2, "  ");
    for (const std::string& reason : verdict.reasons)
        text += wrapped(printable(reason), "  why     ", "          ", line_width);
    for (const std::string& advice : verdict.advice)
        text += wrapped(printable(advice), "  better  ", "          ", line_width);
    return text;
}

std::string overcount_text(const EventFinding& event) {
    const OvercountFinding* const most = worst_overcount(event);
    if (most == nullptr) return nothing;
    if (is_exact(most->slope)) return "0";
    return fmt::format("{} a {}", number_text(most->slope.value), printable(most->cause));
}

std::string event_table(const CoreProfile& core) {
    Rows rows{{"event", "", "deviation", "overcount", "read", "read(2)", "at once", "counts/ns"}};
    std::string remarks;
    for (const EventFinding& event : core.events) {
        const Deviations deviations = deviations_of(event);
        const Figure rate = worst(event, &LoadFinding::rate);
        rows.push_back({printable(event.name), role_of(event, core.verdict),
                        deviations.n == 0 ? nothing : range_text(deviations.least, deviations.most),
                        overcount_text(event), figure_text(worst(event, &LoadFinding::read_in_user_space)),
                        figure_text(worst(event, &LoadFinding::read_by_call)),
                        event.at_once == 0 ? nothing : std::to_string(event.at_once),
                        rate.n == 0 ? nothing : number_text(rate.value)});
        const std::string remark = remark_of(event);
        // What the verdict says already is not said again.
        const auto said = [&](const std::string& reason) {
            return printable(reason).find(remark) != std::string::npos;
        };
        const auto& reasons = core.verdict.reasons;
        if (!remark.empty() && std::none_of(reasons.begin(), reasons.end(), said))
            remarks += wrapped(remark, "  ", "    ", line_width);
    }
    return rows.size() == 1 ? "" : '\n' + aligned(rows, 2, "  ") + remarks;
}

std::string skid_table(const CoreProfile& core) {
    Rows rows{{"alarms late by", "for the clock", "p50", "p99", "max", "counts; lost", "early", "of"}};
    for (const EventFinding& event : core.events) {
        for (const Skids& skids : skids_of(event)) {
            rows.push_back({printable(skids.alarm), printable(event.name), count_text(skids.p50),
                            count_text(skids.p99), count_text(skids.most), count_text(skids.lost),
                            count_text(skids.early), count_text(skids.n)});
        }
    }
    return rows.size() == 1 ? "" : '\n' + aligned(rows, 2, "  ");
}

std::string cost_table(const HostCosts& costs) {
    Rows rows{{"costs here", "median", "5 % to 95 %"}};
    for (const auto& [name, figure] : {std::pair{"a step by the trap flag", costs.trap_flag_step},
                                       std::pair{"a step by a breakpoint", costs.breakpoint_step},
                                       std::pair{"a signal and its return", costs.signal},
                                       std::pair{"an ordered operation", costs.ordered_operation},
                                       std::pair{"lateness of a CPU-time timer", costs.timer_lateness}}) {
        rows.push_back(
            {name, figure.n == 0 ? "not to be had here" : figure_text(figure), spread_text(figure)});
    }
    return '\n' + aligned(rows, 1, "  ");
}

}  // namespace

std::string table_of(const Profile& profile) {
    std::string text = fmt::format(
        "{}, {}\n", printable(profile.host.cpu.empty() ? "a CPU without a name" : profile.host.cpu),
        system_of(profile.host));
    for (const CoreProfile& core : profile.cores)
        text += '\n' + verdict_lines(core) + event_table(core) + skid_table(core) + cost_table(core.costs);
    return text;
}

}  // namespace escapement::report
