#pragma once
// What the runs of one `escapement verify` came to, and what follows from it. Data and arithmetic only.

#include "verify_plan.hpp"

#include <escapement/child_process.hpp>
#include <escapement/divergence.hpp>
#include <escapement/journal_divergence.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace escapement::verify {

/// How a run differs from the first completed run of its group.
struct Disagreement {
    std::optional<std::uint64_t> byte;         ///< first different byte of the artifacts
    std::optional<Divergence> log;             ///< when both artifacts are QEMU logs
    std::optional<JournalComparison> journal;  ///< when both are journals
    std::vector<std::string> consoles;         ///< a sentence for each console that differs
};

/// One execution: of a recording, or of its replay.
struct Execution {
    std::optional<ChildEnd> end;         ///< nothing if it never started
    std::vector<std::string> failures;   ///< why it does not count as complete, a sentence each
    std::vector<std::string> incidents;  ///< why the run itself says that it is not reproducible
    std::string statistics;              ///< what `escapement run --stats` wrote: JSON, or empty

    bool complete() const { return end && failures.empty(); }
};

struct RunResult {
    int number = 0;  ///< from 1, within the group
    std::string directory;
    Execution record;
    std::uint64_t artifact_bytes = 0;
    std::optional<std::uint64_t> events;  ///< of a QEMU log
    int same_as = 0;                      ///< the first run of the group with the same artifact and consoles
    std::optional<Disagreement> disagreement;
    std::optional<Execution> replay;
    std::vector<std::string>
        replay_consoles;  ///< a sentence for each console that the replay wrote differently

    bool complete() const { return record.complete() && (!replay || replay->complete()); }
    /// It is complete, like the first of its group, and so is its replay.
    bool agrees() const;
};

struct Group {
    Mode mode = Mode::ordered;
    std::string name;
    std::vector<RunResult> runs;
};

/// Median and range, in seconds.
struct Spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

/// The least and the greatest of some event numbers.
struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};

struct Summary {
    int runs = 0;
    int complete = 0;
    int identical = 0;  ///< the most runs that are the same
    int replays = 0;
    int replays_agreeing = 0;
    std::optional<Spread> wall;
    std::optional<Spread> cpu;
    std::optional<Spread> replay_wall;
    std::optional<Range> events;
    std::optional<Range> by_kind;  ///< event of the first difference to the group's first run
    std::optional<Range> by_payload;
    std::optional<Range> byte;
};

Summary summarize(const Group& group);

/// Nothing when there are no values.
std::optional<Spread> spread_of(std::vector<double> values);

enum class Verdict {
    agree,    ///< every run is complete and like every other
    differ,   ///< two differ, or a run says of itself that it is not reproducible
    trouble,  ///< a run is missing or not complete: nothing can be said
};

/// Of the group that must agree.
Verdict judge(const Group& ordered, int runs_wanted);

inline double seconds_of(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace escapement::verify
