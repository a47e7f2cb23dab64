#include "verify_result.hpp"

#include <algorithm>
#include <map>

namespace escapement::verify {
namespace {

void widen(std::optional<Range>& range, std::uint64_t value) {
    if (!range) range = Range{value, value};
    range->least = std::min(range->least, value);
    range->most = std::max(range->most, value);
}

void widen(std::optional<Range>& range, const std::optional<Difference>& difference) {
    if (difference) widen(range, difference->index);
}

}  // namespace

bool RunResult::agrees() const {
    if (!complete() || disagreement || !record.incidents.empty()) return false;
    return !replay || (replay_consoles.empty() && replay->incidents.empty());
}

std::optional<Spread> spread_of(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return Spread{median, values.front(), values.back()};
}

Summary summarize(const Group& group) {
    Summary summary;
    std::vector<double> wall;
    std::vector<double> cpu;
    std::vector<double> replay_wall;
    std::map<int, int> sizes;  // of the sets of runs that are the same
    for (const RunResult& run : group.runs) {
        ++summary.runs;
        if (run.complete()) ++summary.complete;
        if (run.record.complete()) {
            wall.push_back(seconds_of(run.record.end->wall));
            cpu.push_back(seconds_of(run.record.end->cpu));
            summary.identical = std::max(summary.identical, ++sizes[run.same_as]);
            if (run.events) widen(summary.events, *run.events);
        }
        if (run.disagreement && run.disagreement->log) {
            widen(summary.by_kind, run.disagreement->log->by_kind);
            widen(summary.by_payload, run.disagreement->log->by_payload);
        } else if (run.disagreement && run.disagreement->byte) {
            widen(summary.byte, *run.disagreement->byte);
        }
        if (!run.replay) continue;
        ++summary.replays;
        if (!run.replay->complete()) continue;
        replay_wall.push_back(seconds_of(run.replay->end->wall));
        if (run.replay_consoles.empty()) ++summary.replays_agreeing;
    }
    summary.wall = spread_of(std::move(wall));
    summary.cpu = spread_of(std::move(cpu));
    summary.replay_wall = spread_of(std::move(replay_wall));
    return summary;
}

Verdict judge(const Group& ordered, int runs_wanted) {
    const auto complete = [](const RunResult& run) { return run.complete(); };
    if (static_cast<int>(ordered.runs.size()) < runs_wanted) return Verdict::trouble;
    if (!std::all_of(ordered.runs.begin(), ordered.runs.end(), complete)) return Verdict::trouble;
    const auto agrees = [](const RunResult& run) { return run.agrees(); };
    return std::all_of(ordered.runs.begin(), ordered.runs.end(), agrees) ? Verdict::agree : Verdict::differ;
}

}  // namespace escapement::verify
