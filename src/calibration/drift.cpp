// What has changed between two calibrations of a host, by more than either of them allows.
#include <escapement/calibration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace escapement {

namespace {

/// Figures whose ranges part by less than this share are the same for all that anybody does with them: a
/// turbo frequency, a warmer room.
constexpr double worth_telling = 0.1;

class Comparison {
  public:
    Drift found;

    void figure(const std::string& where, const char* what, const Figure& then, const Figure& now) {
        if (then.n == 0 && now.n == 0) return;
        if (then.n == 0 || now.n == 0) {
            tell(where, "{} {}", what,
                 now.n == 0 ? "can no longer be measured" : "could not be measured then");
            return;
        }
        const double gap = std::max(now.low - then.high, then.low - now.high);
        const double size = std::max(std::fabs(then.value), std::fabs(now.value));
        // Of many figures one is outside of its 95 % now and then: a quarter of both ranges lies between.
        const double ranges = (then.high - then.low) + (now.high - now.low);
        const bool uncertain = then.spread == Figure::Spread::confidence && gap <= ranges / 4;
        if (gap <= 0 || uncertain || std::fabs(now.value - then.value) < worth_telling * size) return;
        const std::string line =
            fmt::format("{}: {} was {:.4g} {} ({:.4g} to {:.4g}), and is {:.4g} ({:.4g} to {:.4g})", where,
                        what, then.value, then.unit, then.low, then.high, now.value, now.low, now.high);
        const bool of_time = then.unit == "ns" || then.unit == "counts/ns";
        (of_time ? found.times : found.facts).push_back(line);
    }

    void words(const std::string& where, const char* what, const std::string& then, const std::string& now) {
        const auto shown = [](const std::string& text) { return text.empty() ? "none" : '"' + text + '"'; };
        if (then != now) tell(where, "{} was {}, and is {}", what, shown(then), shown(now));
    }

    template <typename... Arguments>
    void tell(const std::string& where, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        found.facts.push_back(where + ": " + fmt::format(format, std::forward<Arguments>(arguments)...));
    }
};

/// `pair(then, now)` for what both have, by name; what only one has is told.
template <typename T, typename Name, typename Pair>
void match(Comparison& drift, const std::string& where, const std::vector<T>& then, const std::vector<T>& now,
           Name name, Pair pair) {
    const auto find = [&](const std::vector<T>& list, const std::string& wanted) -> const T* {
        const auto found =
            std::find_if(list.begin(), list.end(), [&](const T& each) { return name(each) == wanted; });
        return found == list.end() ? nullptr : &*found;
    };
    for (const T& before : then) {
        const std::string wanted = name(before);
        if (const T* const after = find(now, wanted)) {
            pair(before, *after);
        } else {
            drift.tell(where, "{} was there and is not any more", wanted);
        }
    }
    for (const T& after : now) {
        const std::string wanted = name(after);
        if (find(then, wanted) == nullptr) drift.tell(where, "{} is there and was not", wanted);
    }
}

void compare(Comparison& drift, const std::string& where, const SkidFinding& then, const SkidFinding& now) {
    const std::string what = fmt::format("{}, alarm {} for {}", where, then.alarm, then.period);
    if ((then.lost == 0) != (now.lost == 0))
        drift.tell(what, "{} of {} were lost, and now {} of {}", then.lost, then.n, now.lost, now.n);
    // The middle half of the samples moves only if the whole does; the tail is for the margin to judge.
    const auto apart = [](Count low, Count high) {
        return static_cast<double>(high) > 1.5 * static_cast<double>(low) + 8;
    };
    if (then.n > then.lost && now.n > now.lost && (apart(then.p50, now.p50) || apart(now.p50, then.p50)))
        drift.tell(what, "half of all came within {} counts, and now within {}", then.p50, now.p50);
}

void compare(Comparison& drift, const std::string& where, const LoadFinding& then, const LoadFinding& now) {
    match(
        drift, where, then.codes, now.codes, [](const CodeFinding& each) { return each.code; },
        [&](const CodeFinding& before, const CodeFinding& after) {
            if (before.n == 0 || after.n == 0) return;
            const auto exact = [](const CodeFinding& each) { return each.least == 0 && each.most == 0; };
            // What was never the same may be off by something else each time.
            const bool apart = after.least > before.most || before.least > after.most;
            if (exact(before) != exact(after) || apart)
                drift.tell(where, "'{}' was off by {:+} to {:+}, and is off by {:+} to {:+}", before.code,
                           before.least, before.most, after.least, after.most);
        });
    match(
        drift, where, then.overcounts, now.overcounts,
        [](const OvercountFinding& each) { return each.cause; },
        [&](const OvercountFinding& before, const OvercountFinding& after) {
            const std::string what = "counts added by each " + before.cause;
            drift.figure(where, what.c_str(), before.slope, after.slope);
        });
    match(
        drift, where, then.skids, now.skids,
        [](const SkidFinding& each) { return fmt::format("the alarm {} for {}", each.alarm, each.period); },
        [&](const SkidFinding& before, const SkidFinding& after) { compare(drift, where, before, after); });
    drift.figure(where, "a read in user space", then.read_in_user_space, now.read_in_user_space);
    drift.figure(where, "a read by system call", then.read_by_call, now.read_by_call);
    drift.figure(where, "a read from elsewhere", then.read_from_elsewhere, now.read_from_elsewhere);
    drift.figure(where, "what a read counts itself", then.read_counts, now.read_counts);
    drift.figure(where, "the rate", then.rate, now.rate);
}

void compare(Comparison& drift, const std::string& core, const EventFinding& then, const EventFinding& now) {
    const std::string where = core + ": " + then.name;
    if (then.code != now.code) drift.tell(where, "another code is counted under this name");
    drift.words(where, "what refuses it", then.refusal, now.refusal);
    if (!then.refusal.empty() || !now.refusal.empty()) return;
    drift.words(where, "what it counts", then.counts, now.counts);
    if (then.failed.empty() != now.failed.empty())
        drift.words(where, "the check that it fails", then.failed, now.failed);
    if (then.at_once != now.at_once)
        drift.tell(where, "{} could count at once, and now {}", then.at_once, now.at_once);
    if (now.least_period > 2 * then.least_period || then.least_period > 2 * now.least_period)
        drift.tell(where, "the least period was {}, and is {}", then.least_period, now.least_period);
    match(
        drift, where, then.loads, now.loads, [](const LoadFinding& each) { return each.load; },
        [&](const LoadFinding& before, const LoadFinding& after) {
            compare(drift, where + ", " + before.load, before, after);
        });
}

/// Whether what was promised is still kept: this is what a run relies on.
void check_promise(Comparison& drift, const CoreProfile& then, const CoreProfile& now) {
    const Verdict& promise = then.verdict;
    if (promise.fitness != now.verdict.fitness) {
        const auto name = [](Verdict::Fitness fitness) {
            switch (fitness) {
                case Verdict::Fitness::order:
                    return "order";
                case Verdict::Fitness::boundaries:
                    return "boundaries";
                case Verdict::Fitness::nothing:
                    break;
            }
            return "nothing";
        };
        drift.tell(then.core_type, "the host was fit for {}, and is fit for {}", name(promise.fitness),
                   name(now.verdict.fitness));
    }
    if (!promise.clock || !promise.alarm) return;
    for (const EventFinding& event : now.events) {
        if (event.name != promise.clock->name) continue;
        for (const LoadFinding& load : event.loads) {
            for (const SkidFinding& skid : load.skids) {
                if (skid.alarm == promise.alarm->name && skid.most > promise.margin)
                    drift.tell(then.core_type,
                               "the alarm {} came {} late, {}, which is more than the margin {}", skid.alarm,
                               skid.most, load.load, promise.margin);
            }
        }
    }
}

void compare(Comparison& drift, const CoreProfile& then, const CoreProfile& now) {
    const std::string& where = then.core_type;
    check_promise(drift, then, now);
    match(
        drift, where, then.events, now.events, [](const EventFinding& each) { return each.name; },
        [&](const EventFinding& before, const EventFinding& after) { compare(drift, where, before, after); });
    drift.figure(where, "a step by trap flag", then.costs.trap_flag_step, now.costs.trap_flag_step);
    drift.figure(where, "a step by breakpoint", then.costs.breakpoint_step, now.costs.breakpoint_step);
    drift.figure(where, "a signal", then.costs.signal, now.costs.signal);
    drift.figure(where, "an ordered operation", then.costs.ordered_operation, now.costs.ordered_operation);
    drift.figure(where, "the lateness of timers", then.costs.timer_lateness, now.costs.timer_lateness);
}

}  // namespace

Drift drift(const Profile& then, const Profile& now) {
    Comparison drift;
    if (std::string text = difference(then.host, now.host); !text.empty())
        drift.found.facts.push_back("the host: " + text);
    match(
        drift, "the host", then.cores, now.cores, [](const CoreProfile& each) { return each.core_type; },
        [&](const CoreProfile& before, const CoreProfile& after) { compare(drift, before, after); });
    return std::move(drift.found);
}

}  // namespace escapement
