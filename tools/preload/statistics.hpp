#pragma once
// What a run says of itself at its end.

namespace escapement::preload {

/// Writes the statistics where `run --stats` asked for them, once a process; nothing if it did not ask, or
/// for a process that shares its parent's memory. Also says on standard error if the run is not reproducible.
void write_statistics();

}  // namespace escapement::preload
