#include "doctor.hpp"
#include "qemu_options.hpp"

#include <algorithm>

namespace escapement::command {

namespace {

Outlook::Clock reported(const CommandFacts* command) {
    Outlook::Clock clock{"reported", false, ""};
    if (command == nullptr) {
        clock.works = true;
        clock.why = "for a QEMU that exports its symbols and has -icount …,rr=…";
    } else if (command->programs.empty() || !is_qemu(command->programs.back().path)) {
        clock.why = "this program is not a QEMU";
    } else if (const auto& exported = command->programs.back().facts.exported;
               !exported || !missing_qemu_symbols(*exported).empty()) {
        clock.why = "this QEMU does not export the symbols";
    } else if (option_value(command->words, "icount").value_or("").find("rr=") == std::string::npos) {
        clock.why = "only with -icount …,rr=…";
    } else {
        clock.works = true;
        clock.why = "this QEMU tells its instruction count";
    }
    return clock;
}

}  // namespace

Outlook conclude(const Trials& trials, const CommandFacts* command, const std::vector<Finding>& findings) {
    const bool steps = !trials.stepping_refused;
    const bool counts = !trials.counted.empty();
    Outlook outlook{
        .ordered = std::none_of(findings.begin(), findings.end(),
                                [](const Finding& finding) { return finding.state == Finding::State::bad; }),
        .clocks = {reported(command),
                   {"perf", counts && steps,
                    !counts ? "no hardware event can be counted"
                    : steps ? "if " + trials.counted + " or another passes its checks, which `run` makes"
                            : "no breakpoints, so no exact boundaries"},
                   {"stepped", steps,
                    !steps                   ? "no breakpoints"
                    : trials.handlers_unseen ? "exact but for signals' handlers, and very slow"
                                             : "exact and very slow"},
                   {"operations", true, "on every host"}}};
    for (Outlook::Clock& clock : outlook.clocks) {
        if (outlook.ordered) continue;
        clock.works = false;
        clock.why = "nothing can be ordered, see above";
    }
    return outlook;
}

}  // namespace escapement::command
