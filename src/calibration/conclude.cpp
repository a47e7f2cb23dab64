// The verdict: what a core type's counters are good for, and which figures say so.
#include "calibration/loads.hpp"
#include "calibration/tail.hpp"

#include <escapement/calibration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace escapement {

using namespace calibration;

namespace {

/// A quarter of a quantum of hardware counts (the README's --quantum): what is stepped of every turn at most.
constexpr double largest_margin = 250'000;
/// A code that was counted less often than this has not been seen to repeat itself.
constexpr std::uint64_t fewest_counts = 4;

const LoadFinding* under(const EventFinding& event, std::string_view load) {
    for (const LoadFinding& finding : event.loads) {
        if (finding.load == load) return &finding;
    }
    return nullptr;
}

bool changes(const Figure& slope) {
    return slope.n != 0 && (slope.value != 0 || slope.low != 0 || slope.high != 0);
}

std::string defect_of_codes(const LoadFinding& load) {
    const CodeFinding* worst = nullptr;
    std::size_t counted = 0;
    for (const CodeFinding& code : load.codes) {
        if (code.n == 0) continue;
        ++counted;
        if (code.n < fewest_counts)
            return fmt::format("'{}' was counted only {} times, {}: there was no time for more", code.code,
                               code.n, load.load);
        const auto far = [](const CodeFinding& each) { return std::max(each.most, -each.least); };
        if ((code.least != 0 || code.most != 0) && (worst == nullptr || far(code) > far(*worst)))
            worst = &code;
    }
    if (counted == 0) return fmt::format("no known code was counted, {}", load.load);
    if (worst == nullptr) return {};
    return fmt::format("'{}' counts between {:+} and {:+} off what it must, {}, of {} times", worst->code,
                       worst->least, worst->most, load.load, worst->n);
}

std::string defect_of_overcounts(const LoadFinding& load) {
    bool measured = false;
    for (const OvercountFinding& overcount : load.overcounts) {
        const Figure& slope = overcount.slope;
        measured = measured || slope.n != 0;
        if (!changes(slope)) continue;
        if (slope.low <= 0 && slope.high >= 0)
            return fmt::format("its count varies while there are {}s, {}", overcount.cause, load.load);
        return fmt::format("each {} adds {:.3g} to it ({:.3g} to {:.3g} with 95 % confidence), {}",
                           overcount.cause, slope.value, slope.low, slope.high, load.load);
    }
    return measured ? "" : fmt::format("what interruptions add to it was not measured, {}", load.load);
}

bool tried_as_clock(const EventFinding& event) {
    return std::any_of(event.loads.begin(), event.loads.end(), [](const LoadFinding& load) {
        return !load.overcounts.empty() || !load.skids.empty();
    });
}

/// Why it is no clock, in a clause; empty if it is one.
std::string defect_of_clock(const EventFinding& event) {
    if (!event.refusal.empty()) return event.refusal;
    if (!event.failed.empty()) return "it fails a check: " + event.failed;
    if (event.counts.empty()) return "it counts no kind of event that is the same every time";
    for (const std::string_view name : loads) {
        const LoadFinding* const load = under(event, name);
        if (load == nullptr) return fmt::format("it was not measured {}", name);
        if (auto defect = defect_of_codes(*load); !defect.empty()) return defect;
        if (auto defect = defect_of_overcounts(*load); !defect.empty()) return defect;
    }
    return {};
}

std::string_view without_name(std::string_view refusal, const EventFinding& event) {
    const std::string prefix = event.name + " cannot be counted: ";
    if (refusal.substr(0, prefix.size()) == prefix) refusal.remove_prefix(prefix.size());
    return refusal;
}

void add_once(std::vector<std::string>& sentences, std::string sentence) {
    if (!sentence.empty() && std::find(sentences.begin(), sentences.end(), sentence) == sentences.end())
        sentences.push_back(std::move(sentence));
}

std::uint64_t counted(const EventFinding& event) {
    std::uint64_t sum = 0;
    for (const LoadFinding& load : event.loads) {
        for (const CodeFinding& code : load.codes)
            sum += code.n;
    }
    return sum;
}

/// An alarm for a clock, and what its skids make of it.
struct Choice {
    const EventFinding* clock = nullptr;
    const EventFinding* alarm = nullptr;
    Tail tail;
    std::string defect;
    bool more_would_help = false;
};

Choice look_at(const CoreProfile& core, const EventFinding& clock, const std::string& name) {
    Choice choice;
    choice.clock = &clock;
    for (const EventFinding& event : core.events) {
        if (event.name == name && event.refusal.empty()) choice.alarm = &event;
    }
    std::vector<const SkidFinding*> skids;
    for (const std::string_view each : loads) {
        const LoadFinding* const load = under(clock, each);
        const std::size_t before = skids.size();
        for (const SkidFinding& skid : load->skids) {
            if (skid.alarm == name) skids.push_back(&skid);
        }
        if (skids.size() == before && choice.defect.empty()) {
            choice.defect = fmt::format("it was not tried {}", each);
            choice.more_would_help = true;
        }
    }
    choice.tail = tail_of(skids);
    const Tail& tail = choice.tail;
    if (choice.alarm == nullptr) {
        choice.defect = "it cannot be counted";
    } else if (tail.lost != 0) {
        choice.defect = fmt::format("{} of {} never came", tail.lost, tail.lost + tail.n);
    } else if (choice.defect.empty() && tail.n < fewest_alarms) {
        choice.defect =
            fmt::format("{} alarms are too few to know the rare ones by: there was no time for more", tail.n);
        choice.more_would_help = true;
    } else if (choice.defect.empty() && tail.margin > largest_margin) {
        choice.more_would_help = static_cast<double>(tail.most) * 2 <= largest_margin;
        choice.defect =
            choice.more_would_help
                ? fmt::format(
                      "it came up to {} late, of {} times, and some that are rarer would come so much "
                      "later that no margin up to {} is safe",
                      tail.most, tail.n, largest_margin)
                : fmt::format("it came up to {} late: more than could be stepped", tail.most);
    }
    return choice;
}

/// Names of the alarms that were tried for `clock`, in order.
std::vector<std::string> alarms_of(const EventFinding& clock) {
    std::vector<std::string> names;
    for (const LoadFinding& load : clock.loads) {
        for (const SkidFinding& skid : load.skids)
            add_once(names, skid.alarm);
    }
    return names;
}

Event event_of(const EventFinding& finding) {
    return {.name = finding.name, .code = finding.code};
}

void explain_clock(Verdict& verdict, const EventFinding& clock) {
    std::vector<std::string> causes;
    for (const LoadFinding& load : clock.loads) {
        for (const OvercountFinding& overcount : load.overcounts) {
            if (overcount.slope.n != 0) add_once(causes, overcount.cause);
        }
    }
    verdict.reasons.push_back(fmt::format(
        "{} is a clock: it counted {} exactly, {} times, idle and loaded, and nothing is added by: {}.",
        clock.name, clock.counts, counted(clock), fmt::join(causes, ", ")));
}

void explain_alarm(Verdict& verdict, const Choice& choice) {
    const Tail& tail = choice.tail;
    verdict.reasons.push_back(
        fmt::format("{} is its alarm: it came {} of {} times, at most {} counts late; with 95 % confidence "
                    "fewer than 1 in {} "
                    "come later.",
                    choice.alarm->name, tail.n, tail.n, tail.most, tail.n / 3));
    if (tail.early != 0)
        verdict.reasons.push_back(fmt::format(
            "{} of {} alarms came early, which costs another alarm and nothing else.", tail.early, tail.n));
    verdict.reasons.push_back(fmt::format("The margin is {}: {}.", verdict.margin, tail.why));
}

}  // namespace

Verdict conclude(const CoreProfile& measured) {
    Verdict verdict;
    std::vector<Choice> choices;
    const EventFinding* clock = nullptr;
    for (const EventFinding& event : measured.events) {
        if (!event.refusal.empty()) add_once(verdict.advice, std::string(without_name(event.refusal, event)));
        const std::string defect = defect_of_clock(event);
        if (defect.empty() && clock == nullptr) clock = &event;
        if (defect.empty()) {
            for (const std::string& name : alarms_of(event))
                choices.push_back(look_at(measured, event, name));
        } else if (!event.refusal.empty()) {
            verdict.reasons.push_back(
                fmt::format("{} cannot be counted: {}.", event.name, without_name(event.refusal, event)));
        } else if (tried_as_clock(event)) {
            verdict.reasons.push_back(fmt::format("{} is no clock: {}.", event.name, defect));
        }
    }
    // The best clock that has an alarm; of its alarms, the one that leaves the least to step.
    const Choice* best = nullptr;
    for (const Choice& choice : choices) {
        if (!choice.defect.empty()) {
            verdict.reasons.push_back(fmt::format("{} is no alarm for {}: {}.",
                                                  choice.alarm != nullptr ? choice.alarm->name : "An event",
                                                  choice.clock->name, choice.defect));
            if (choice.more_would_help)
                add_once(verdict.advice, "Measure for longer: escapement calibrate --thorough.");
            continue;
        }
        if (best == nullptr || (best->clock == choice.clock && choice.tail.margin < best->tail.margin))
            best = &choice;
    }
    if (best != nullptr) {
        verdict.fitness = Verdict::Fitness::boundaries;
        verdict.clock = event_of(*best->clock);
        verdict.alarm = event_of(*best->alarm);
        verdict.margin = static_cast<Count>(best->tail.margin);
        explain_clock(verdict, *best->clock);
        explain_alarm(verdict, *best);
    } else if (clock != nullptr) {
        verdict.fitness = Verdict::Fitness::order;
        verdict.clock = event_of(*clock);
        explain_clock(verdict, *clock);
        verdict.reasons.push_back("No alarm is safe, so threads take turns at their operations only.");
    } else {
        verdict.fallback = "operations";
        if (measured.events.empty())
            verdict.reasons.push_back("No event is known here that could be a clock: name one with --event.");
    }
    return verdict;
}

}  // namespace escapement
