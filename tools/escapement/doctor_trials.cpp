// What only trying tells: the kernel, a security module or a filter may say no to what every file allows.

#include "doctor.hpp"
#include "preload_library.hpp"

#include <escapement/profile.hpp>
#include <escapement/stepper.hpp>

#include <linux/perf_event.h>
#include <sched.h>
#include <sys/personality.h>

#include <filesystem>

namespace escapement::command {

namespace {

void try_counting(const HostFacts& facts, Trials& trials) {
    const int running_on = sched_getcpu();
    const unsigned cpu = running_on < 0 ? 0 : static_cast<unsigned>(running_on);
    std::vector<Event> events = clock_candidates(facts, cpu);
    // Where no candidate is known the kernel's own name for instructions says whether there is a PMU.
    events.push_back(
        {.name = "instructions", .code = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS}});
    for (const Event& event : events) {
        const auto counter = Counter::open(event.code);
        const auto count = counter ? counter->read() : tl::unexpected(counter.error());
        if (count) {
            trials.counted = event.name;
            trials.counting_refused.clear();
            return;
        }
        if (trials.counting_refused.empty())
            trials.counting_refused = explain(count.error(), event, facts, cpu);
    }
}

bool addresses_can_be_fixed() {
    constexpr unsigned long asks = 0xffffffff;
    const int before = personality(asks);
    if (before < 0) return false;
    if (personality(static_cast<unsigned long>(before) | ADDR_NO_RANDOMIZE) < 0) return false;
    personality(static_cast<unsigned long>(before));
    return true;
}

void look_for_profile(Trials& trials) {
    trials.profile = standard_profile_path();
    std::error_code error;
    if (trials.profile.empty()) {
        trials.profile_refused = "without a home directory there is no place for one";
    } else if (!std::filesystem::exists(trials.profile, error) && !error) {
        trials.profile_missing = true;
        trials.profile_refused = "none at " + trials.profile;
    } else if (const auto profile = load_profile(trials.profile); !profile) {
        trials.profile_refused = profile.error();
    } else if (const std::string differs = difference(profile->host, host_fingerprint()); !differs.empty()) {
        trials.profile_refused = trials.profile + " is another host's: " + differs;
    }
}

}  // namespace

Trials try_host(const HostFacts& facts) {
    Trials trials;
    trials.known_pmus = known_core_pmus();
    try_counting(facts, trials);
    const auto reason_of = [&](const CounterFailure& failure) {
        const Event breakpoint{.name = "a breakpoint", .code = {.type = PERF_TYPE_BREAKPOINT}};
        const std::string text = explain(failure, breakpoint, facts, 0);
        // "A breakpoint cannot be counted" is true, and not the point.
        return text.substr(text.find(": ") + 2);
    };
    if (const auto stepper = Stepper::open(); !stepper) {
        trials.stepping_refused = reason_of(stepper.error());
    } else if (!stepper->sees_handlers()) {
        trials.handlers_unseen = reason_of({.refusal = Refusal::never_met});
    }
    look_for_profile(trials);
    trials.fixed_addresses = addresses_can_be_fixed();
    if (const auto library = find_preload_library(); library) {
        trials.preload_library = library->string();
    } else {
        trials.preload_refused = library.error();
    }
    return trials;
}

}  // namespace escapement::command
