// What stands above all figures in the report: the verdict and what the host takes for the rest.

#include "report_charts.hpp"
#include "report_page.hpp"
#include "report_text.hpp"
#include "report_words.hpp"

#include <fmt/format.h>

#include <utility>

namespace escapement::report {

namespace {

using Fitness = Verdict::Fitness;

struct Badge {
    const char* style_class;
    const char* words;
};

Badge badge_of(Fitness fitness) {
    switch (fitness) {
        case Fitness::boundaries:
            return {"good", "✓ fit for exact boundaries"};
        case Fitness::order:
            return {"partial", "◐ fit for order only"};
        case Fitness::nothing:
            break;
    }
    return {"none", "✗ no hardware count"};
}

Html tile(const char* name, const std::string& value, const char* meaning) {
    return element("div", {{"class", "tile"}},
                   element("dt", {}, name) + element("dd", {}, foreign(value)) +
                       element("dd", {{"class", "note"}}, meaning));
}

Html bullets(const std::vector<std::string>& sentences) {
    Html html;
    for (const std::string& sentence : sentences)
        html += element("li", {}, foreign(sentence));
    return element("ul", {}, html);
}

Html tiles(const CoreProfile& core) {
    const Verdict& verdict = core.verdict;
    Html html;
    if (verdict.clock) {
        html += tile("Clock", verdict.clock->name, "what threads' progress is counted in");
    } else {
        html += tile("Clock instead", verdict.fallback, "what threads' progress is counted in");
    }
    if (verdict.alarm) {
        html += tile("Alarm", verdict.alarm->name, "what wakes a thread before its boundary");
        html += tile("Margin", count_text(verdict.margin) + " counts",
                     "how much earlier, so that no skid passes the boundary");
    }
    for (const EventFinding& event : core.events) {
        const Figure rate = worst(event, &LoadFinding::rate);
        if (verdict.clock && event.name == verdict.clock->name && rate.n != 0)
            html += tile("Rate", figure_text(rate), "how fast the clock counts, on straight code");
    }
    return element("dl", {{"class", "tiles"}}, html);
}

}  // namespace

Html verdict_section(const CoreProfile& core, bool says_it) {
    const Badge badge = badge_of(core.verdict.fitness);
    Html html = element("p", {{"class", "badge"}}, badge.words);
    html += element("h2", {},
                    foreign(core.core_type) + text(fmt::format(", CPU{} {}", core.cpus.size() == 1 ? "" : "s",
                                                               cpus_text(core.cpus))));
    if (says_it) html += element("p", {{"class", "sentence"}}, headline(core.verdict));
    html += tiles(core);
    html += element("p", {}, text("To use it: ") + element("code", {}, how_to_use(core.verdict)));
    if (!core.verdict.reasons.empty()) html += element("h3", {}, "Why") + bullets(core.verdict.reasons);
    html += element("h3", {}, "What to change on this host");
    html += core.verdict.advice.empty() ? element("p", {}, "Nothing that is known would make it better.")
                                        : bullets(core.verdict.advice);
    return element("section", {{"class", std::string("verdict ") + badge.style_class}}, html);
}

Html cost_section(const CoreProfile& core) {
    const HostCosts& costs = core.costs;
    std::vector<IntervalRow> rows;
    std::vector<std::string> absent;
    for (const auto& [name, figure] : {std::pair{"step by the trap flag", costs.trap_flag_step},
                                       std::pair{"step by a breakpoint", costs.breakpoint_step},
                                       std::pair{"signal and its return", costs.signal},
                                       std::pair{"ordered operation", costs.ordered_operation},
                                       std::pair{"CPU-time timer's lateness", costs.timer_lateness}}) {
        if (figure.n == 0)
            absent.emplace_back(name);
        else
            rows.push_back({.label = name,
                            .value_text = fmt::format("{} ({})", figure_text(figure), spread_text(figure)),
                            .value = figure.value,
                            .low = figure.low,
                            .high = figure.high});
    }
    Html html = element("h3", {}, text("What a boundary costs on ") + foreign(core.core_type));
    std::string note = "Median, and the 5th to the 95th percentile.";
    if (core.verdict.alarm)
        note += fmt::format(
            " A boundary takes one signal, and then a step for each instruction of what is left of the "
            "margin of "
            "{} counts.",
            count_text(core.verdict.margin));
    html += element("p", {{"class", "note"}}, note);
    html +=
        element("div", {{"class", "chart"}},
                interval_chart(rows, IntervalScale::logarithmic, "Times of steps, signals and operations"));
    if (!absent.empty())
        html += element("p", {{"class", "note"}}, "Not to be had here: " + enumeration(absent) + ".");
    return element("section", {}, html);
}

}  // namespace escapement::report
