#include "calibration/measure.hpp"

#include "calibration/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace escapement::calibration {

namespace {

constexpr std::int64_t second = 1'000'000'000;

using Sample = Workbench::Result<double> (Workbench::*)();

std::vector<double> sample(Budget& budget, std::uint64_t most, auto measure) {
    std::vector<double> samples;
    while (samples.size() < most && !budget.up()) {
        const Workbench::Result<double> found = measure();
        if (!found) break;
        samples.push_back(*found);
    }
    return samples;
}

}  // namespace

Extent extent_of(const CalibrationOptions& options) {
    using Effort = CalibrationOptions::Effort;
    switch (options.effort) {
        case Effort::quick:
            return {.total_ns = 8 * second,
                    .code_rounds = 24,
                    .disturbed_rounds = 10,
                    .reads = 100,
                    .alarms = 6000};
        case Effort::standard:
            return {.total_ns = 50 * second,
                    .code_rounds = 200,
                    .disturbed_rounds = 40,
                    .reads = 1000,
                    .alarms = 15'000};
        case Effort::thorough:
            break;
    }
    // None later among n: with 95 % confidence, fewer than 3 in n are.
    const double allowed = std::clamp(1 - options.confidence, 1e-6, 0.1);
    return {.total_ns = 3600 * second,
            .code_rounds = 2000,
            .disturbed_rounds = 200,
            .reads = 5000,
            .alarms = std::max<std::uint64_t>(15'000, static_cast<std::uint64_t>(std::ceil(3 / allowed)))};
}

void measure_codes(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t rounds,
                   std::vector<CodeRecord>& records) {
    // Short and long: what is added once in a while shows in the long ones, what is lost at the edges in the
    // short ones.
    constexpr std::array<Count, 4> lengths{1000, 10, 5000, 100};
    constexpr Count least = 1;
    std::vector<bool> refused(records.size(), false);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const Count length = lengths[round % lengths.size()];
        for (std::size_t code = 0; code < records.size(); ++code) {
            if (refused[code]) continue;
            if (budget.up()) return;
            const auto few = workbench.count_code(event, code, least);
            if (few && budget.up()) return;
            const auto many = few ? workbench.count_code(event, code, least + length) : few;
            if (!few || !many) {
                refused[code] = true;
                continue;
            }
            records[code].add(length, *few, *many);
        }
    }
}

void measure_overcounts(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t rounds,
                        LoadFinding& finding) {
    constexpr std::array causes{Disturbance::page_fault,     Disturbance::system_call,
                                Disturbance::signal,         Disturbance::migration,
                                Disturbance::context_switch, Disturbance::timer_interrupt};
    constexpr std::array<unsigned, 5> provoked{0, 4, 1, 8, 2};
    for (std::size_t index = 0; index < causes.size(); ++index) {
        budget.part(causes.size() - index);
        std::vector<Point> points;
        while (points.size() < rounds && !budget.up()) {
            const auto found =
                workbench.count_disturbed(event, causes[index], provoked[points.size() % provoked.size()]);
            if (!found) break;
            points.push_back(
                {.x = static_cast<double>(found->occurrences), .y = static_cast<double>(found->counted)});
        }
        finding.overcounts.push_back(
            {.cause = to_string(causes[index]), .slope = slope_of(points, "counts/occurrence")});
    }
}

void measure_reads(Workbench& workbench, Budget& budget, const Event& event, std::uint64_t most,
                   LoadFinding& finding) {
    struct Way {
        ReadWay way;
        Figure* figure;
    };
    const std::array<Way, 3> ways{{{ReadWay::user_space, &finding.read_in_user_space},
                                   {ReadWay::call, &finding.read_by_call},
                                   {ReadWay::elsewhere, &finding.read_from_elsewhere}}};
    for (std::size_t index = 0; index < ways.size(); ++index) {
        budget.part(ways.size() + 1 - index);
        std::vector<double> counts;
        const auto times = sample(budget, most, [&]() -> Workbench::Result<double> {
            const auto found = workbench.read_cost(event, ways[index].way);
            if (!found) return tl::unexpected(found.error());
            counts.push_back(found->counts);
            return found->ns;
        });
        *ways[index].figure = median_of(times, "ns");
        // Of the way that clocks are read: the first that there is.
        if (finding.read_counts.n == 0) finding.read_counts = median_of(counts, "counts");
    }
    budget.part(1);
    const std::uint64_t rates = std::clamp<std::uint64_t>(most / 10, 10, 100);
    finding.rate =
        confident_median_of(sample(budget, rates, [&] { return workbench.rate(event); }), "counts/ns");
}

HostCosts measure_costs(Workbench& workbench, Budget& budget, std::uint64_t most) {
    HostCosts costs;
    struct Cost {
        Sample measure;
        Figure* figure;
    };
    const std::array<Cost, 5> all{{{&Workbench::trap_flag_step, &costs.trap_flag_step},
                                   {&Workbench::breakpoint_step, &costs.breakpoint_step},
                                   {&Workbench::signal_cost, &costs.signal},
                                   {&Workbench::operation_cost, &costs.ordered_operation},
                                   {&Workbench::timer_lateness, &costs.timer_lateness}}};
    for (std::size_t index = 0; index < all.size(); ++index) {
        budget.part(all.size() - index);
        *all[index].figure =
            median_of(sample(budget, most, [&] { return (workbench.*all[index].measure)(); }), "ns");
    }
    return costs;
}

}  // namespace escapement::calibration
