#pragma once
// The files of a run: where they are, what is in them, and how they compare with those of others.

#include "verify_plan.hpp"
#include "verify_result.hpp"

#include <string>
#include <vector>

namespace escapement::verify {

Places places_of_record(const RunResult& run);
/// A replay reads the recording's artifact, and has a directory of its own for the rest.
Places places_of_replay(const RunResult& run);

/// Looks at what a recording left, and notes as failures what should be there and is not.
void inspect_files(const Plan& plan, RunResult& run);

/// Compares a complete run with those of its group that went before, and notes the result in it. An artifact
/// that there is already takes up no space of its own afterwards.
void compare_with_first(const Plan& plan, const Group& group, RunResult& run);

/// A sentence for every console that the replay wrote differently. A console that cannot be read is a failure
/// of the replay.
std::vector<std::string> compare_consoles_with_replay(const Plan& plan, RunResult& run);

/// One line on a finished recording or replay, for the progress.
std::string describe_record(const RunResult& run);
std::string describe_replay(const RunResult& run);

/// Where two runs part, in a few words.
std::string describe_disagreement(const Disagreement& disagreement);

}  // namespace escapement::verify
