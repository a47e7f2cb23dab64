// The HTML page of campaign_summary.hpp: verdict, matrix, first differences, times, what was run.

#include "campaign_chart.hpp"
#include "campaign_summary.hpp"
#include "report_html.hpp"
#include "report_page.hpp"
#include "verify_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

namespace escapement::campaign {

namespace {

using namespace report;
using verify::grouped;
using Rows = std::vector<std::vector<Html>>;

/// What the calibration's report has no need of.
constexpr const char* own_rules = R"css(
td.cell { min-width: 8.5em; } .state { display: inline-block; min-width: 7em; padding: 3px 10px; border-radius: 6px;
  color: var(--tone); background: var(--bed); text-align: left; white-space: normal; }
.state b { display: block; } .state small { display: block; color: var(--ink); }
.words-wide td { white-space: normal; text-align: left; } .words-wide th { text-align: left; }
table td:empty::after { content: "–"; color: var(--faint); }
)css";

const char* tone_of(const CellSummary& sum) {
    if (sum.differing > 0) return "none";
    return sum.complete == sum.cell.runs && sum.complete > 1 ? "good" : "partial";
}

Html state_of(const CellSummary& sum) {
    Html lines = element("b", {},
                         sum.complete < 2
                             ? fmt::format("{} of {} runs", sum.complete, grouped(sum.cell.runs))
                             : fmt::format("{} of {} differ", grouped(sum.differing), grouped(sum.complete)));
    if (sum.complete >= 2)
        lines += element("small", {}, fmt::format("rate below {}", percent_text(sum.bound)));
    if (const auto failed = sum.made - sum.complete; failed > 0)
        lines += element("small", {}, fmt::format("{} not complete", grouped(failed)));
    if (sum.made < sum.cell.runs && sum.complete >= 2)
        lines += element("small", {}, fmt::format("{} to be made", grouped(sum.cell.runs - sum.made)));
    return element("span", {{"class", std::string("state ") + tone_of(sum)}}, lines);
}

Html section(const char* title, const Html& content) {
    return element("section", {}, element("h2", {}, title) + content);
}

Html paragraph(const char* style_class, const std::string& words) {
    return element("p", {{"class", style_class}}, words);
}

/// Settings down, guests across: there are usually more of the former.
Html matrix(const Plan& plan, const Summary& summary) {
    std::vector<std::string> settings;  // in the order of the cells
    std::map<std::pair<std::string, std::size_t>, Html> states;
    std::set<std::string> seen;
    for (const CellSummary& sum : summary.cells) {
        if (sum.cell.stock) continue;
        const std::string setting = settings_text(sum.cell);
        if (seen.insert(setting).second) settings.push_back(setting);
        states[{setting, sum.cell.guest}] += state_of(sum);
    }
    Rows rows(1);
    rows.front().push_back(text("settings"));
    for (const Guest& guest : plan.guests)
        rows.front().push_back(foreign(guest.name));
    for (const std::string& setting : settings) {
        std::vector<Html> row{foreign(setting)};
        for (std::size_t guest = 0; guest < plan.guests.size(); ++guest)
            row.push_back(states[{setting, guest}]);
        rows.push_back(std::move(row));
    }
    return section("Guests and settings",
                   paragraph("note",
                             "Runs that differ from most of their cell, and what the rate of such runs is "
                             "below, with 95 % confidence.") +
                       table("Runs that differ", rows));
}

Html foreign_or_dash(const std::string& words) {
    return words.empty() ? Html() : foreign(words);
}

std::string list_of_cells(const std::vector<std::size_t>& cells) {
    constexpr std::size_t shown = 12;
    std::string list;
    for (std::size_t index = 0; index < std::min(cells.size(), shown); ++index)
        list += (index == 0 ? "" : ", ") + std::to_string(cells[index]);
    return cells.size() > shown ? list + fmt::format(" and {} more", cells.size() - shown) : list;
}

Html differences(const Summary& summary) {
    if (summary.clusters.empty())
        return section("First differences", paragraph("note good", "None was seen."));
    constexpr std::size_t most = 200;
    Rows rows{{text("who"), text("does what"), text("to what"), text("where"), text("runs"), text("cells"),
               text("for example")}};
    for (std::size_t index = 0; index < std::min(summary.clusters.size(), most); ++index) {
        const Cluster& cluster = summary.clusters[index];
        Html example = foreign(fmt::format("cell {}, run {}: {}", cluster.example.cell,
                                           cluster.example.number, cluster.cause.why));
        if (!cluster.files.empty()) example += text(" Files: ") + element("code", {}, foreign(cluster.files));
        rows.push_back({foreign_or_dash(cluster.cause.who), foreign_or_dash(cluster.cause.what),
                        foreign_or_dash(cluster.cause.object), foreign_or_dash(cluster.cause.place),
                        text(grouped(cluster.runs)), text(list_of_cells(cluster.cells)), example});
    }
    Html content =
        paragraph("note", "Where runs part from most of their cell, gathered by cause; the frequent first.") +
        element("div", {{"class", "words-wide"}}, table("Causes", rows));
    if (summary.clusters.size() > most)
        content +=
            paragraph("note", fmt::format("{} rarer ones are left out; campaign report --json has them.",
                                          summary.clusters.size() - most));
    return section("First differences", content);
}

Html failures(const Summary& summary) {
    if (summary.failures.empty()) return {};
    Rows rows{{text("why"), text("runs"), text("cells")}};
    for (const Failure& failure : summary.failures)
        rows.push_back(
            {foreign(failure.reason), text(grouped(failure.runs)), text(list_of_cells(failure.cells))});
    return section("Runs that are not complete",
                   paragraph("note", "Nothing can be said of these, and they count neither way.") +
                       element("div", {{"class", "words-wide"}}, table("Reasons", rows)));
}

std::string median_of(const std::optional<verify::Spread>& spread) {
    return spread ? fmt::format("{:.3f}", spread->median) : std::string();
}

std::string range(const std::optional<verify::Spread>& spread) {
    return spread ? fmt::format("{:.3f} to {:.3f}", spread->least, spread->most) : std::string();
}

Html times(const Plan& plan, const Summary& summary) {
    Rows rows{{text("guest, settings"), text("cell"), text("wall s"), text("least to most"), text("CPU s"),
               text("replay s"), text("to stock")}};
    for (const CellSummary& sum : summary.cells)
        rows.push_back({foreign(plan.guests[sum.cell.guest].name + ": " + settings_text(sum.cell)),
                        text(std::to_string(sum.cell.number)), text(median_of(sum.wall)),
                        text(range(sum.wall)), text(median_of(sum.cpu)), text(median_of(sum.replay_wall)),
                        text(sum.against_stock ? fmt::format("{:.2f}", *sum.against_stock) : "")});
    const char* note =
        plan.stock_runs > 0
            ? "Medians. \"to stock\": wall time divided by that of the same command without Escapement, "
              "made in turn with the others."
            : "Medians. The plan asks for no stock runs to compare with (\"stock_runs\").";
    return section(plan.stock_runs > 0 ? "Times against stock" : "Times",
                   paragraph("note", note) + time_charts(plan, summary) + table("Seconds", rows));
}

Html made_of(const Plan& plan, const Summary& summary) {
    Html list;
    const auto add = [&](const std::string& name, const Html& value) {
        list += element("div", {}, element("dt", {}, name) + element("dd", {}, value));
    };
    add("Runs of each cell", text(grouped(plan.runs)));
    if (plan.stock_runs > 0) add("Stock runs", text(grouped(plan.stock_runs)));
    for (const Setting& setting : plan.settings)
        add("Setting " + setting.name, foreign(fmt::format("{}", fmt::join(setting.values, ", "))));
    for (const Guest& guest : plan.guests) {
        std::string how = guest.journal ? "its journal and standard output" : "its file and consoles";
        if (guest.replay) how += ", and those of its replay";
        add(guest.name, element("code", {}, foreign(fmt::format("{}", fmt::join(guest.command, " ")))) +
                            text("; compared: " + how));
    }
    for (const auto& [host, runs] : summary.hosts)
        add("Host " + host, text(grouped(runs) + " complete runs"));
    return section("What was run", element("dl", {{"class", "host"}}, list));
}

Html verdict(const Plan& plan, const Summary& summary) {
    const bool differs = summary.differing > 0;
    const bool good = !differs && summary.whole() && summary.compared > 0;
    const char* const tone = differs ? "none" : good ? "good" : "partial";
    const char* const badge = differs ? "runs differ" : good ? "no difference" : "not complete";
    std::string sentence = verdict_text(summary);
    sentence.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
    return element("p", {{"class", "kicker"}}, "Escapement campaign") +
           element("h1", {}, foreign(plan.name)) +
           element("section", {{"class", std::string("verdict ") + tone}},
                   element("span", {{"class", "badge"}}, badge) + paragraph("sentence", sentence + "."));
}

}  // namespace

std::string summary_page(const Plan& plan, const Summary& summary) {
    const Html head =
        lone_element("meta", {{"charset", "utf-8"}}) +
        lone_element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
        lone_element("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
        element("title", {}, "Campaign: " + plan.name) + style(style_rules()) + style(own_rules);
    const Html body = verdict(plan, summary) + matrix(plan, summary) + differences(summary) +
                      failures(summary) + times(plan, summary) + made_of(plan, summary);
    return "<!DOCTYPE html>\n" +
           element("html", {{"lang", "en"}},
                   element("head", {}, head) + element("body", {}, element("main", {}, body)))
               .markup() +
           "\n";
}

}  // namespace escapement::campaign
