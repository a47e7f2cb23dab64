#pragma once
// All runs of one `escapement verify`: in which order, in which directories, each compared with the first of
// its group.

#include "verify_options.hpp"
#include "verify_result.hpp"

#include <escapement/child_process.hpp>

#include <string>
#include <vector>

namespace escapement::verify {

struct Outcome {
    std::vector<Group> groups;  ///< in the order of the table; the ordered runs last
    std::string trouble;        ///< why it was given up, a sentence; "" if it was not
    int signal = 0;             ///< the signal that ended it, or 0
    double seconds = 0;         ///< all of it
    std::string directory;      ///< where the files of the runs are, "" if they are gone
    std::string difference;     ///< what `escapement diff` says of the first ordered run that differs, or ""

    const Group& ordered() const { return groups.back(); }
};

/// The groups take turns, a run each a round, and each round begins with another group: what disturbs the
/// machine disturbs all alike. Progress goes to standard error. Gives up when nothing can be run, when the
/// first ordered run is not complete, when there is no space left, and when interrupted.
Outcome run_session(const Options& options, const Plan& plan, Interruption& interruption);

}  // namespace escapement::verify
