#pragma once
// The likely cause of a difference: what kind of event parts, and what has been seen before, point to one of
// the known ways by which the host's timing gets into a recording.

#include <escapement/divergence.hpp>

#include <string>

namespace escapement::divergence {

/// What led up to a difference.
struct Evidence {
    QemuEventKind a = QemuEventKind::end;
    QemuEventKind b = QemuEventKind::end;
    GuestPhase phase = GuestPhase::machine_setup;
    bool machine_built = false;    ///< CHECKPOINT_INIT came before this event: until then one thread is alone
    bool warp_clock_seen = false;  ///< a CLOCK_VIRTUAL_RT came before this event
    bool warp_clock_differs = false;  ///< and it had another value: the guests' clocks are apart
};

struct Verdict {
    DivergenceCause cause;
    std::string why;
};

[[nodiscard]] Verdict cause_of_kinds(const Evidence& evidence);
[[nodiscard]] Verdict cause_of_payloads(const Evidence& evidence);

}  // namespace escapement::divergence
