#pragma once
// One run as JSON, as it stands in the reports of `verify` and in the results of a campaign.

#include "verify_result.hpp"

#include <nlohmann/json.hpp>

namespace escapement::verify {

/// Members: number, directory, agrees, same_as, artifact_bytes, events, record and replay (how they ended,
/// what they used, why they failed, what `escapement run --stats` wrote), and difference from the group's
/// first run.
nlohmann::ordered_json run_json(const RunResult& run);

}  // namespace escapement::verify
