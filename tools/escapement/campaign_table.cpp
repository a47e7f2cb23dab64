// The terminal's table and the JSON of campaign_summary.hpp.

#include "campaign_summary.hpp"
#include "verify_compare.hpp"
#include "verify_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace escapement::campaign {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;
using verify::grouped;

/// Names and reasons come from plans and programs: they must not talk to the terminal.
std::string plain(const std::string& text) {
    return verify::printable(text, 300);
}

std::string aligned(const std::vector<Row>& rows, std::size_t left_columns) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], row[column].size());
    }
    std::string text;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            if (column > 0) line += "  ";
            line += column < left_columns ? fmt::format("{:<{}}", row[column], widths[column])
                                          : fmt::format("{:>{}}", row[column], widths[column]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

std::string seconds(const std::optional<verify::Spread>& spread) {
    return spread ? fmt::format("{:.3f}", spread->median) : "-";
}

Json json_of(const std::optional<verify::Spread>& spread) {
    if (!spread) return nullptr;
    return {{"median", spread->median}, {"least", spread->least}, {"most", spread->most}};
}

Json json_of(const Values& values) {
    Json json = Json::object();
    for (const auto& [name, value] : values)
        json[name] = value;
    return json;
}

Json json_of(const Plan& plan, const CellSummary& sum) {
    return {{"cell", sum.cell.number},
            {"guest", plan.guests[sum.cell.guest].name},
            {"stock", sum.cell.stock},
            {"options", json_of(sum.cell.options)},
            {"values", json_of(sum.cell.values)},
            {"wanted", sum.cell.runs},
            {"made", sum.made},
            {"complete", sum.complete},
            {"differing", sum.differing},
            {"replays", sum.replays},
            {"rate_below", sum.bound},
            {"wall_seconds", json_of(sum.wall)},
            {"cpu_seconds", json_of(sum.cpu)},
            {"replay_wall_seconds", json_of(sum.replay_wall)},
            {"against_stock", sum.against_stock ? Json(*sum.against_stock) : Json(nullptr)}};
}

}  // namespace

std::string summary_table(const Plan& plan, const Summary& summary) {
    const bool stock = plan.stock_runs > 0;
    std::vector<Row> rows{{"guest", "settings", "cell", "runs", "differ", "rate below", "wall s", "CPU s"}};
    if (stock) rows.front().emplace_back("/ stock");
    for (const CellSummary& sum : summary.cells) {
        Row row{plain(plan.guests[sum.cell.guest].name),
                plain(settings_text(sum.cell)),
                std::to_string(sum.cell.number),
                sum.complete == sum.cell.runs
                    ? grouped(sum.complete)
                    : fmt::format("{} of {}", grouped(sum.complete), grouped(sum.cell.runs)),
                sum.complete < 2 ? "-" : grouped(sum.differing),
                sum.complete < 2 ? "-" : percent_text(sum.bound),
                seconds(sum.wall),
                seconds(sum.cpu)};
        if (stock) row.push_back(sum.against_stock ? fmt::format("{:.2f}", *sum.against_stock) : "-");
        rows.push_back(std::move(row));
    }
    std::string text = aligned(rows, 2);
    for (const Cluster& cluster : summary.clusters) {
        Row parts;
        for (const std::string& part : cluster.cause.key()) {
            if (!part.empty()) parts.push_back(plain(part));
        }
        text += fmt::format("{} {} by {}; for example cell {}, run {}: {}\n", grouped(cluster.runs),
                            cluster.runs == 1 ? "run differs" : "runs differ", fmt::join(parts, ", "),
                            cluster.example.cell, cluster.example.number, plain(cluster.cause.why));
    }
    for (const Failure& failure : summary.failures)
        text += fmt::format("{} {} not complete: {}\n", grouped(failure.runs),
                            failure.runs == 1 ? "run is" : "runs are", plain(failure.reason));
    return text + fmt::format("{}: {}.\n", plain(plan.name), verdict_text(summary));
}

std::string summary_json(const Plan& plan, const Summary& summary) {
    Json cells = Json::array();
    for (const CellSummary& sum : summary.cells)
        cells.push_back(json_of(plan, sum));
    Json clusters = Json::array();
    for (const Cluster& cluster : summary.clusters)
        clusters.push_back({{"who", cluster.cause.who},
                            {"what", cluster.cause.what},
                            {"object", cluster.cause.object},
                            {"place", cluster.cause.place},
                            {"why", cluster.cause.why},
                            {"runs", cluster.runs},
                            {"cells", cluster.cells},
                            {"example", {{"cell", cluster.example.cell}, {"run", cluster.example.number}}},
                            {"files", cluster.files}});
    Json failures = Json::array();
    for (const Failure& failure : summary.failures)
        failures.push_back({{"reason", failure.reason}, {"runs", failure.runs}, {"cells", failure.cells}});
    const Json json{{"format", 1},
                    {"name", plan.name},
                    {"verdict", verdict_text(summary)},
                    {"wanted", summary.wanted},
                    {"made", summary.made},
                    {"complete", summary.complete},
                    {"differing", summary.differing},
                    {"rate_below", summary.bound},
                    {"hosts", summary.hosts},
                    {"cells", std::move(cells)},
                    {"differences", std::move(clusters)},
                    {"failures", std::move(failures)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace escapement::campaign
