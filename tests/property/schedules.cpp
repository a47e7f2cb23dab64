#include "schedules.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

namespace escapement::simulation {

Keys random_keys(RandomChooser& random) {
    // Multiples of 8 that share their low and high bits, as addresses do, and a tag that keeps them apart.
    Keys keys;
    const std::uint64_t base = (random.next() & 0x7fffff000U) << 4U;
    std::uint64_t tag = 0;
    for (ObjectKey& each : keys.mutexes)
        each = base + (random.next() & 0xfffU) * 1024 + 8 * tag++;
    for (ObjectKey& each : keys.conditions)
        each = base + (random.next() & 0xfffU) * 1024 + 8 * tag++;
    return keys;
}

Keys plain_keys() {
    Keys keys;
    ObjectKey next = 1;
    for (ObjectKey& each : keys.mutexes)
        each = next++;
    for (ObjectKey& each : keys.conditions)
        each = next++;
    return keys;
}

namespace {

std::string describe(const Event& event) {
    return "thread " + std::to_string(event.thread) + " operation " +
           std::to_string(static_cast<unsigned>(event.operation)) + " object " +
           std::to_string(event.object) + " result " + std::to_string(event.result) + " clock " +
           std::to_string(event.clock) + " time " + std::to_string(event.now);
}

}  // namespace

std::string first_difference(const Outcome& expected, const Outcome& found) {
    const auto [left, right] = std::mismatch(expected.events.begin(), expected.events.end(),
                                             found.events.begin(), found.events.end());
    if (left != expected.events.end() || right != found.events.end()) {
        const std::string at = "event " + std::to_string(left - expected.events.begin()) + ": ";
        return at + (left == expected.events.end() ? "the end" : describe(*left)) + " or " +
               (right == found.events.end() ? "the end" : describe(*right));
    }
    if (expected.deadlock != found.deadlock) return "a deadlock in one of the runs only";
    const OrderStatistics& a = expected.statistics;
    const OrderStatistics& b = found.statistics;
    const bool same = a.operations == b.operations && a.switches == b.switches &&
                      a.boundaries == b.boundaries && a.jumps == b.jumps && a.jumped_ns == b.jumped_ns;
    return same ? "" : "other statistics";
}

namespace {

/// Follows a prefix of choices, then takes the first of each, and stops where it has been before.
class Explorer final : public Chooser {
  public:
    struct Edge {
        std::uint64_t from = 0;
        unsigned choice = 0;
    };
    struct SeenBefore {};

    unsigned choose(unsigned count) override {
        const std::uint64_t state = simulation->fingerprint();
        reach(state);
        if (depth_ < choices_.size()) {
            const Choice& again = choices_[depth_++];
            last_ = {.from = state, .choice = again.taken};
            return again.taken;
        }
        if (!successors.try_emplace(state, count, 0U).second) throw SeenBefore{};
        choices_.push_back({.taken = 0, .count = count});
        ++depth_;
        last_ = {.from = state, .choice = 0};
        return 0;
    }
    /// The run has come to an end or to a known state.
    void reach(std::uint64_t state) {
        if (depth_ > 0) {
            successors.at(last_.from).at(last_.choice) = state;
        } else {
            root = state;
        }
    }
    /// Prepares the next run; false if there is none.
    bool next() {
        while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().count)
            choices_.pop_back();
        if (choices_.empty()) return false;
        ++choices_.back().taken;
        depth_ = 0;
        return true;
    }

    const Simulation* simulation = nullptr;
    std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> successors;
    std::uint64_t root = 0;

  private:
    struct Choice {
        unsigned taken = 0;
        unsigned count = 0;
    };
    std::vector<Choice> choices_;
    std::size_t depth_ = 0;
    Edge last_;
};

}  // namespace

Exploration explore(const Program& program, const SimulationOptions& options) {
    Exploration found;
    Explorer explorer;
    constexpr std::uint64_t the_end = 1;
    bool first = true;
    do {
        ++found.runs;
        Simulation simulation(program, plain_keys(), explorer, options);
        explorer.simulation = &simulation;
        try {
            const Outcome outcome = simulation.run();
            explorer.reach(the_end);
            if (first) found.outcome = outcome;
            first = false;
            found.defect = outcome.defect.empty() ? first_difference(found.outcome, outcome) : outcome.defect;
        } catch (const Explorer::SeenBefore&) {
        }
    } while (found.defect.empty() && explorer.next());
    found.states = explorer.successors.size();
    if (!found.defect.empty()) return found;

    std::unordered_map<std::uint64_t, double> ways{{the_end, 1}};
    const std::function<double(std::uint64_t)> count = [&](std::uint64_t state) -> double {
        if (const auto known = ways.find(state); known != ways.end()) return known->second;
        double sum = 0;
        for (const std::uint64_t next : explorer.successors.at(state))
            sum += count(next);
        ways.emplace(state, sum);
        return sum;
    };
    found.schedules = explorer.root == the_end ? 1 : count(explorer.root);
    return found;
}

}  // namespace escapement::simulation
