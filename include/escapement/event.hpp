#pragma once
// Events by name.
//
// Contract. `find_event` turns a name as libpfm4 has it for this CPU (INST_RETIRED,
// BR_INST_RETIRED.CONDITIONAL, ix86arch::…) or a raw code (r08, r1c4 as perf(1) writes them; TYPE:CONFIG or
// TYPE:CONFIG:CONFIG1 in C's notation of numbers) into what the kernel takes. libpfm4 4.13 knows no CPU newer
// than early 2023: for those the raw codes are there. `clock_candidates` lists the events that could be a
// clock on this CPU, best first; whether one is fit is for its checks (counter_check.hpp) to say.
//
// Errors: a sentence that says what was asked for, what is wrong with it, and what to do.
// Thread safety: any thread; libpfm4 is initialised once, behind a lock.
// Sources: pfm_get_os_event_encoding(3); perf-list(1).

#include <escapement/counter.hpp>

#include <string>
#include <vector>

namespace escapement {

struct Event {
    std::string name;  ///< as asked for, or as libpfm4 has it in full
    EventCode code;
    bool operator==(const Event&) const = default;
};

/// The event called `name` on the PMU of the core type that the calling thread runs on.
tl::expected<Event, std::string> find_event(const std::string& name);

/// Events that may serve as a clock here, best first; empty where libpfm4 and the table of raw codes know
/// none.
std::vector<Event> clock_candidates();
/// Events that may serve as the alarm for a clock counted by `clock`, best first: `clock` itself, then others
/// that come about as often or more often.
std::vector<Event> alarm_candidates(const Event& clock);

/// What is wrong and what mends it, in one line: `failure` came from opening or reading `event`. It looks at
/// the host (sysctls, NMI watchdog, limits, capabilities, seccomp) to tell like cases apart.
std::string explain(const CounterFailure& failure, const Event& event);

}  // namespace escapement
