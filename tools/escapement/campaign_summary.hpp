#pragma once
// What a campaign's runs came to. Data and arithmetic only.

#include "campaign_record.hpp"
#include "verify_result.hpp"

#include <escapement/campaign.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace escapement::campaign {

struct CellSummary {
    Cell cell;
    std::uint64_t made = 0;
    std::uint64_t complete = 0;
    std::uint64_t differing =
        0;  ///< of the complete: not as most are, or not reproducible by their own account
    std::uint64_t replays = 0;
    std::optional<verify::Spread> wall;
    std::optional<verify::Spread> cpu;
    std::optional<verify::Spread> replay_wall;
    double bound = 1;                     ///< of the rate of differences, with 95 % confidence
    std::optional<double> against_stock;  ///< median wall time divided by that of the guest's stock runs
};

/// Runs that differ alike.
struct Cluster {
    Cause cause;  ///< the first one's
    std::uint64_t runs = 0;
    std::vector<std::size_t> cells;
    Run example;
    std::string files;  ///< of a run whose files are kept, or ""
};

struct Failure {
    std::string reason;  ///< the first one's
    std::uint64_t runs = 0;
    std::vector<std::size_t> cells;
};

struct Summary {
    std::vector<CellSummary> cells;
    std::vector<Cluster> clusters;               ///< most runs first
    std::vector<Failure> failures;               ///< likewise
    std::map<std::string, std::uint64_t> hosts;  ///< complete runs made on each
    // Of the cells that must agree, all together:
    std::uint64_t wanted = 0;
    std::uint64_t made = 0;
    std::uint64_t complete = 0;
    std::uint64_t differing = 0;
    std::uint64_t compared = 0;  ///< complete runs that had another one to be like
    double bound = 1;

    [[nodiscard]] bool whole() const { return complete == wanted; }
};

Summary summarize(const std::vector<Cell>& cells, const std::vector<Record>& records);

/// "shift=7, quantum=1000"; "stock, shift=7"; "no settings".
std::string settings_text(const Cell& cell);

/// A rate as a percentage with two digits that mean something: "1.0 %", "0.0030 %".
std::string percent_text(double rate);

/// "never diverged in 1,000 runs, so the rate is below 0.30 % with 95 % confidence", and its like.
std::string verdict_text(const Summary& summary);

/// All of it for other programs.
std::string summary_json(const Plan& plan, const Summary& summary);

/// For a terminal; ends in a newline.
std::string summary_table(const Plan& plan, const Summary& summary);

/// One self-contained HTML page.
std::string summary_page(const Plan& plan, const Summary& summary);

}  // namespace escapement::campaign
