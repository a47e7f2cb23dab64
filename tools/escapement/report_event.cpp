// An event in the report: its line in the overview, its charts, and every figure that there is.

#include "report_charts.hpp"
#include "report_page.hpp"
#include "report_text.hpp"
#include "report_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement::report {

namespace {

using Row = std::vector<Html>;
using Rows = std::vector<Row>;

std::string share_text(std::uint64_t part, std::uint64_t all) {
    return part == 0 ? "0" : fmt::format("{} of {}", count_text(part), count_text(all));
}

std::string slope_text(const Figure& slope) {
    if (slope.n == 0) return nothing;
    if (is_exact(slope)) return "0, exactly";
    return fmt::format("{} ({})", number_text(slope.value), spread_text(slope));
}

Html skid_charts(const CoreProfile& core, const EventFinding& event) {
    const Verdict& verdict = core.verdict;
    const bool chosen = role_of(event, verdict).rfind("clock", 0) == 0;
    Count farthest = 0;
    std::uint64_t highest = 0;
    for (const LoadFinding& load : event.loads) {
        for (const SkidFinding& skid : load.skids) {
            farthest = std::max(farthest, skid.most);
            for (const std::uint64_t alarms : skid.histogram)
                highest = std::max(highest, alarms);
        }
    }
    Html charts;
    for (std::size_t series = 0; series < event.loads.size(); ++series) {
        const LoadFinding& load = event.loads[series];
        for (const SkidFinding& skid : load.skids) {
            if (skid.n == 0 || skid.n == skid.lost) continue;
            SkidChart chart{
                .load = load.load, .series = series, .skid = &skid, .farthest = farthest, .highest = highest};
            if (chosen && verdict.alarm && verdict.alarm->name == skid.alarm) chart.margin = verdict.margin;
            if (chosen) chart.farthest = std::max(chart.farthest, verdict.margin);
            std::string title = fmt::format(", {}, set for {} counts; {} alarms", load.load,
                                            count_text(skid.period), count_text(skid.n));
            if (skid.lost != 0) title += fmt::format(", {} lost", count_text(skid.lost));
            charts +=
                element("figure", {{"class", "chart"}},
                        element("figcaption", {}, foreign(skid.alarm) + text(title)) + skid_chart(chart));
        }
    }
    if (charts.empty()) return {};
    return element("h4", {}, "How late alarms come (skid)") +
           element("p", {{"class", "note"}},
                   "The further to the left, the better. No bar may be to the right of the margin.") +
           element("div", {{"class", "charts"}}, charts);
}

std::vector<std::string> loads_of(const EventFinding& event) {
    std::vector<std::string> names;
    for (const LoadFinding& load : event.loads)
        names.push_back(load.load);
    return names;
}

Html overcount_chart(const EventFinding& event) {
    std::vector<IntervalRow> rows;
    std::vector<std::string> causes;
    bool exact = true;
    for (const LoadFinding& load : event.loads) {
        for (const OvercountFinding& finding : load.overcounts) {
            if (std::find(causes.begin(), causes.end(), finding.cause) == causes.end())
                causes.push_back(finding.cause);
            exact = exact && is_exact(finding.slope);
        }
    }
    for (const std::string& cause : causes) {
        for (std::size_t series = 0; series < event.loads.size(); ++series) {
            for (const OvercountFinding& finding : event.loads[series].overcounts) {
                if (finding.cause != cause || finding.slope.n == 0) continue;
                rows.push_back({.label = cause + ", " + event.loads[series].load,
                                .value_text = slope_text(finding.slope),
                                .value = finding.slope.value,
                                .low = finding.slope.low,
                                .high = finding.slope.high,
                                .series = series});
            }
        }
    }
    if (rows.empty()) return {};
    const Html title = element("h4", {}, "What adds to the count (overcount)");
    if (exact) {
        return title + element("p", {{"class", "note good"}},
                               fmt::format("Nothing: however often there was a {}, every count was the same.",
                                           enumeration(causes)));
    }
    return title +
           element("p", {{"class", "note"}},
                   "Counts that each occurrence adds, with the interval that holds it with 95 % confidence. "
                   "A clock "
                   "must have 0 everywhere.") +
           element("div", {{"class", "chart"}},
                   legend(loads_of(event)) +
                       interval_chart(rows, IntervalScale::around_zero, "Counts added by each occurrence"));
}

struct ReadFigure {
    const char* name;
    Figure LoadFinding::*figure;
};
constexpr ReadFigure reads[] = {{"in user space", &LoadFinding::read_in_user_space},
                                {"by read(2)", &LoadFinding::read_by_call},
                                {"from another thread", &LoadFinding::read_from_elsewhere}};

Html read_chart(const EventFinding& event) {
    std::vector<IntervalRow> rows;
    for (const ReadFigure& read : reads) {
        for (std::size_t series = 0; series < event.loads.size(); ++series) {
            const Figure& figure = event.loads[series].*read.figure;
            if (figure.n == 0) continue;
            rows.push_back({.label = std::string(read.name) + ", " + event.loads[series].load,
                            .value_text = fmt::format("{} ({})", figure_text(figure), spread_text(figure)),
                            .value = figure.value,
                            .low = figure.low,
                            .high = figure.high,
                            .series = series});
        }
    }
    if (rows.empty()) return {};
    return element("h4", {}, "What reading it costs") +
           element("p", {{"class", "note"}},
                   "Median, and the 5th to the 95th percentile; the shorter the better.") +
           element("div", {{"class", "chart"}},
                   legend(loads_of(event)) +
                       interval_chart(rows, IntervalScale::bars, "Times that a read takes"));
}

/// A row for each name that appears under any load, with what `cell` says of it under each.
template <typename Names, typename Cell>
void rows_by_name(const EventFinding& event, Rows& rows, const std::string& prefix, Names names, Cell cell) {
    std::vector<std::string> seen;
    for (const LoadFinding& load : event.loads) {
        for (const std::string& name : names(load)) {
            if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
            seen.push_back(name);
            Row row{text(prefix) + foreign(name)};
            for (const LoadFinding& each : event.loads)
                row.push_back(text(cell(each, name)));
            rows.push_back(std::move(row));
        }
    }
}

std::string deviation_cell(const LoadFinding& load, const std::string& name) {
    for (const CodeFinding& code : load.codes) {
        if (code.code != name) continue;
        if (code.n == 0) return "not on this CPU";
        return fmt::format("{} (n {})", range_text(code.least, code.most), count_text(code.n));
    }
    return nothing;
}

std::string overcount_cell(const LoadFinding& load, const std::string& name) {
    for (const OvercountFinding& finding : load.overcounts) {
        if (finding.cause == name)
            return finding.slope.n == 0
                       ? "not measured"
                       : fmt::format("{} (n {})", slope_text(finding.slope), count_text(finding.slope.n));
    }
    return nothing;
}

Html figure_table(const EventFinding& event) {
    Row heading{text("figure")};
    for (const LoadFinding& load : event.loads)
        heading.push_back(foreign(load.load));
    Rows rows{heading};
    rows_by_name(
        event, rows, "deviation in counts, ",
        [](const LoadFinding& load) {
            std::vector<std::string> names;
            for (const CodeFinding& code : load.codes)
                names.push_back(code.code);
            return names;
        },
        deviation_cell);
    rows_by_name(
        event, rows, "counts added a ",
        [](const LoadFinding& load) {
            std::vector<std::string> names;
            for (const OvercountFinding& finding : load.overcounts)
                names.push_back(finding.cause);
            return names;
        },
        overcount_cell);
    const auto add = [&](const std::string& name, Figure LoadFinding::*figure) {
        Row row{text(name)};
        for (const LoadFinding& load : event.loads) {
            const Figure& one = load.*figure;
            row.push_back(text(one.n == 0 ? "not to be had"
                                          : fmt::format("{} ({}, n {})", figure_text(one), spread_text(one),
                                                        count_text(one.n))));
        }
        rows.push_back(std::move(row));
    };
    for (const ReadFigure& read : reads)
        add(std::string("a read ") + read.name, read.figure);
    add("counts added by a read", &LoadFinding::read_counts);
    add("rate", &LoadFinding::rate);
    return table("All figures of " + printable(event.name), rows);
}

Html skid_table(const EventFinding& event) {
    Rows rows;
    for (const char* const name : {"alarm", "load", "set for", "alarms", "lost", "early", "p50", "p90", "p99",
                                   "p99.99", "max", "latency"}) {
        if (rows.empty()) rows.emplace_back();
        rows.front().push_back(text(name));
    }
    for (const LoadFinding& load : event.loads) {
        for (const SkidFinding& skid : load.skids) {
            rows.push_back({foreign(skid.alarm), foreign(load.load), text(count_text(skid.period)),
                            text(count_text(skid.n)), text(share_text(skid.lost, skid.n)),
                            text(share_text(skid.early, skid.n)), text(count_text(skid.p50)),
                            text(count_text(skid.p90)), text(count_text(skid.p99)),
                            text(count_text(skid.p9999)), text(count_text(skid.most)),
                            text(figure_text(skid.latency))});
        }
    }
    return rows.size() == 1 ? Html() : table("Alarms for this clock; skids in counts", rows);
}

Html remark_on(const EventFinding& event, const std::string& role) {
    const std::string remark = remark_of(event);
    if (remark.empty()) return {};
    if (role == "alarm")
        return element("p", {{"class", "note"}},
                       text("No clock, which an alarm need not be: ") + foreign(remark));
    return element("p", {{"class", "remark"}},
                   text(event.refusal.empty() ? "Failed: " : "") + foreign(remark));
}

}  // namespace

Html event_overview(const CoreProfile& core) {
    if (core.events.empty())
        return element("section", {},
                       element("h3", {}, "Events") +
                           element("p", {}, "No event was there to be tried: none is known for this CPU."));
    Rows rows{{text("event"), text("use"), text("deviation"), text("overcount"), text("read"),
               text("skid, max"), text("lost"), text("at once")}};
    for (const EventFinding& event : core.events) {
        const Deviations deviations = deviations_of(event);
        const OvercountFinding* const over = worst_overcount(event);
        std::string overcount = nothing;
        if (over != nullptr)
            overcount = is_exact(over->slope)
                            ? "0"
                            : fmt::format("{} a {}", number_text(over->slope.value), over->cause);
        // The best of the alarms that could wake this clock.
        const std::vector<Skids> all = skids_of(event);
        const auto best = std::min_element(all.begin(), all.end(), [](const Skids& one, const Skids& two) {
            return std::pair(one.lost, one.most) < std::pair(two.lost, two.most);
        });
        const Figure user_read = worst(event, &LoadFinding::read_in_user_space);
        const Figure read = user_read.n != 0 ? user_read : worst(event, &LoadFinding::read_by_call);
        rows.push_back({foreign(event.name), text(role_of(event, core.verdict)),
                        text(deviations.n == 0 ? nothing : range_text(deviations.least, deviations.most)),
                        text(overcount), text(figure_text(read)),
                        text(best == all.end() ? nothing : count_text(best->most)),
                        text(best == all.end() ? nothing : share_text(best->lost, best->n)),
                        text(event.at_once == 0 ? nothing : std::to_string(event.at_once))});
    }
    return element(
        "section", {},
        element("h3", {}, "Events that were tried") +
            element("p", {{"class", "note"}},
                    "The worst over all loads, in counts. A clock has 0 for deviation and overcount.") +
            table("Events of " + printable(core.core_type), rows));
}

Html event_section(const CoreProfile& core, const EventFinding& event) {
    const std::string role = role_of(event, core.verdict);
    Html html =
        element("h3", {}, foreign(event.name) + text(" ") + element("span", {{"class", "role"}}, role));
    html += remark_on(event, role);
    if (!event.refusal.empty()) return element("section", {{"class", "event"}}, html);
    std::string about = event.counts.empty() ? "" : fmt::format("Counts {}. ", event.counts);
    if (event.at_once != 0)
        about +=
            fmt::format("{} pinned counter{} of it at once{}. ", event.at_once, event.at_once == 1 ? "" : "s",
                        event.multiplexing.empty() ? "" : "; one more: " + event.multiplexing);
    if (event.least_period != 0)
        about += fmt::format("The least that an alarm by it can be set for: {} counts.",
                             count_text(event.least_period));
    if (!about.empty()) html += element("p", {{"class", "note"}}, foreign(about));
    html += skid_charts(core, event);
    const Html over = overcount_chart(event);
    const Html read = read_chart(event);
    if (!over.empty() || !read.empty()) {
        html +=
            element("div", {{"class", "charts wide"}}, element("div", {}, over) + element("div", {}, read));
    }
    html += skid_table(event);
    if (!event.loads.empty()) html += figure_table(event);
    return element("section", {{"class", "event"}}, html);
}

}  // namespace escapement::report
