#pragma once
// What it means that two records differ as they do.

#include <escapement/journal_divergence.hpp>

namespace escapement::divergence {

/// Fills in `members` and `why`.
void explain(const JournalRecord& a, const JournalRecord& b, JournalDifference& difference);

}  // namespace escapement::divergence
