#include "campaign_summary.hpp"

#include "verify_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace escapement::campaign {

namespace {

using verify::grouped;

/// The records of one cell.
using Records = std::vector<const Record*>;

/// The outcome that most complete runs have; the reference's if several are as frequent.
std::string usual_outcome(const Records& records) {
    std::map<std::string, std::uint64_t> counts;
    for (const Record* record : records) {
        if (record->complete) ++counts[record->outcome];
    }
    std::string usual = reference_outcome;
    for (const auto& [outcome, count] : counts) {
        if (count > counts[usual]) usual = outcome;
    }
    return usual;
}

bool is_usual(const Record& record, const std::string& usual) {
    return record.outcome == usual && record.incidents.empty() && record.replay_agrees.value_or(true);
}

/// Why a run is not as most are. Where it is the reference that is odd, the others tell of the difference.
Cause cause_of(const Record& record, const std::string& usual, const Records& records) {
    if (record.outcome != usual && record.outcome == reference_outcome) {
        for (const Record* other : records) {
            if (other->outcome == usual && other->cause) return *other->cause;
        }
    }
    return record.cause.value_or(Cause{"", "a difference that is not known", "", "", ""});
}

/// Without what changes from run to run, so that failures alike are one.
std::string without_numbers(const std::string& text) {
    std::string plain;
    for (const char letter : text) {
        const bool digit = std::isdigit(static_cast<unsigned char>(letter)) != 0;
        if (!digit) plain += letter;
        if (digit && (plain.empty() || plain.back() != '#')) plain += '#';
    }
    return plain;
}

void add_cell(std::vector<std::size_t>& cells, std::size_t number) {
    if (cells.empty() || cells.back() != number) cells.push_back(number);
}

class Summing {
  public:
    Summing(const std::vector<Cell>& cells, const std::vector<Record>& records) {
        std::map<std::size_t, Records> of_cell;
        for (const Record& record : records)
            of_cell[record.run.cell].push_back(&record);
        for (auto& [number, of_one] : of_cell) {
            std::sort(of_one.begin(), of_one.end(),
                      [](const Record* a, const Record* b) { return a->run < b->run; });
        }
        for (const Cell& cell : cells)
            add(cell, of_cell[cell.number]);
        compare_with_stock();
        summary_.bound = rate_bound(summary_.differing, std::max(summary_.compared, summary_.differing));
        if (summary_.compared == 0) summary_.bound = 1;
        const auto more = [](const auto& a, const auto& b) { return a.runs > b.runs; };
        for (auto& [key, cluster] : clusters_)
            summary_.clusters.push_back(std::move(cluster));
        for (auto& [key, failure] : failures_)
            summary_.failures.push_back(std::move(failure));
        std::stable_sort(summary_.clusters.begin(), summary_.clusters.end(), more);
        std::stable_sort(summary_.failures.begin(), summary_.failures.end(), more);
    }

    Summary take() { return std::move(summary_); }

  private:
    void add(const Cell& cell, const Records& records) {
        CellSummary sum;
        sum.cell = cell;
        const std::string usual = usual_outcome(records);
        std::vector<double> wall;
        std::vector<double> cpu;
        std::vector<double> replay_wall;
        for (const Record* record : records) {
            ++sum.made;
            if (record->wall) wall.push_back(*record->wall);
            if (record->cpu) cpu.push_back(*record->cpu);
            if (record->replay_wall) replay_wall.push_back(*record->replay_wall);
            if (record->replay_agrees) ++sum.replays;
            if (!record->complete) {
                fail(cell, *record);
                continue;
            }
            ++sum.complete;
            ++summary_.hosts[record->host];
            if (is_usual(*record, usual)) continue;
            ++sum.differing;
            if (!cell.stock) cluster(cell, *record, cause_of(*record, usual, records));
        }
        sum.wall = verify::spread_of(std::move(wall));
        sum.cpu = verify::spread_of(std::move(cpu));
        sum.replay_wall = verify::spread_of(std::move(replay_wall));
        // The first has nothing to be like, so it is no trial.
        const std::uint64_t compared = sum.complete > 0 ? sum.complete - 1 : 0;
        sum.bound = compared == 0 ? 1 : rate_bound(sum.differing, compared);
        if (!cell.stock) {
            summary_.wanted += cell.runs;
            summary_.made += sum.made;
            summary_.complete += sum.complete;
            summary_.differing += sum.differing;
            summary_.compared += compared;
        }
        summary_.cells.push_back(std::move(sum));
    }

    void cluster(const Cell& cell, const Record& record, const Cause& cause) {
        auto [at, is_new] = clusters_.try_emplace(cause.key());
        Cluster& cluster = at->second;
        if (is_new) {
            cluster.cause = cause;
            cluster.example = record.run;
        }
        ++cluster.runs;
        add_cell(cluster.cells, cell.number);
        if (cluster.files.empty()) cluster.files = record.files;
    }

    void fail(const Cell& cell, const Record& record) {
        const std::string reason = record.failures.empty() ? "no reason is given" : record.failures.front();
        Failure& failure = failures_[without_numbers(reason)];
        if (failure.reason.empty()) failure.reason = reason;
        ++failure.runs;
        add_cell(failure.cells, cell.number);
    }

    /// A guest's stock runs are those with the same values in its command.
    void compare_with_stock() {
        for (CellSummary& sum : summary_.cells) {
            if (sum.cell.stock) continue;
            for (const CellSummary& stock : summary_.cells) {
                const bool same = stock.cell.stock && stock.cell.guest == sum.cell.guest &&
                                  stock.cell.values == sum.cell.values;
                if (same && sum.wall && stock.wall && stock.wall->median > 0)
                    sum.against_stock = sum.wall->median / stock.wall->median;
            }
        }
    }

    Summary summary_;
    std::map<std::array<std::string, 4>, Cluster> clusters_;
    std::map<std::string, Failure> failures_;
};

}  // namespace

Summary summarize(const std::vector<Cell>& cells, const std::vector<Record>& records) {
    return Summing(cells, records).take();
}

std::string settings_text(const Cell& cell) {
    std::vector<std::string> parts;
    if (cell.stock) parts.emplace_back("stock");
    for (const auto& [name, value] : cell.values)
        parts.push_back(fmt::format("{}={}", name, value));
    for (const auto& option : cell.options) {
        const bool told = std::find(cell.values.begin(), cell.values.end(), option) != cell.values.end();
        if (!told) parts.push_back(fmt::format("{}={}", option.first, option.second));
    }
    return parts.empty() ? "no settings" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string percent_text(double rate) {
    // Two digits first: 0.998 is 1.0.
    const double percent = std::strtod(fmt::format("{:.1e}", 100 * rate).c_str(), nullptr);
    if (percent >= 99.5) return "100 %";
    if (percent >= 10) return fmt::format("{:.0f} %", percent);
    if (percent <= 0) return "0 %";
    const int digits = 1 - static_cast<int>(std::floor(std::log10(percent)));
    return fmt::format("{:.{}f} %", percent, std::max(digits, 1));
}

std::string verdict_text(const Summary& summary) {
    if (summary.complete == 0) return "no run is complete yet";
    const std::string runs = grouped(summary.complete) + (summary.complete == 1 ? " run" : " runs");
    std::string text;
    if (summary.differing > 0) {
        text = fmt::format(
            "{} of {} differ ({}); the rate is below {} with 95 % confidence", grouped(summary.differing),
            runs,
            percent_text(static_cast<double>(summary.differing) / static_cast<double>(summary.complete)),
            percent_text(summary.bound));
    } else if (summary.compared == 0) {
        text = fmt::format("{} made, and none to compare with another", runs);
    } else {
        text = fmt::format("never diverged in {}, so the rate is below {} with 95 % confidence", runs,
                           percent_text(summary.bound));
    }
    const std::uint64_t failed = summary.made - summary.complete;
    if (failed > 0) text += fmt::format("; {} {} not complete", grouped(failed), failed == 1 ? "is" : "are");
    if (summary.made < summary.wanted)
        text += fmt::format("; {} of {} are still to be made", grouped(summary.wanted - summary.made),
                            grouped(summary.wanted));
    return text;
}

}  // namespace escapement::campaign
