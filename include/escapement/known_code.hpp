#pragma once
// Code of which it is known what it counts.
//
// Contract. Each KnownCode is a function, written in assembly language, whose retired instructions and
// branches are known exactly as a function of its parameter: `counts_of(code, n, code.run(n))`. Counts begin
// with the function's first instruction and end with its return, both included; the call of it is the
// caller's. Whoever measures takes the difference of two runs with different `n`, in which the rest cancels:
// `code.each` times the difference in `n`. What a count is of is for the caller to know; an event that counts
// none of these kinds is fit for nothing here.
//
//     for (const KnownCode& code : known_code()) {
//         if (code.available()) … code.run(1000) …
//     }
//
// Units: counts; `n` is at least 1 and at most 2^32. Errors: none. Thread safety: any thread;
// async-signal-safe; allocates nothing.
// Sources: Intel SDM 2 and 3B, 20.2 (a repeated string instruction retires once); Arm ARM, C6 and D11.

#include <escapement/counter.hpp>

#include <span>

namespace escapement {

/// Signed, because what a loop adds once is less than nothing for some: its last branch is not taken.
struct KnownCounts {
    std::int64_t instructions = 0;
    std::int64_t taken = 0;      ///< conditional branches that were taken
    std::int64_t not_taken = 0;  ///< conditional branches that were not
    std::int64_t jumps = 0;      ///< all other branches: jumps, calls, returns
    [[nodiscard]] std::int64_t conditional() const { return taken + not_taken; }
    [[nodiscard]] std::int64_t branches() const { return taken + not_taken + jumps; }
    bool operator==(const KnownCounts&) const = default;
};

struct KnownCode {
    const char* name;       ///< such as "taken branches"
    Count (*run)(Count n);  ///< returns how often it had to begin again: a store exclusive that failed
    KnownCounts each;       ///< for each of n
    KnownCounts once;       ///< besides
    KnownCounts again;      ///< for each time that it had to begin again
    bool (*available)();    ///< false where this CPU lacks the instructions
};

/// All that there is for this processor; those that it cannot run are not available.
std::span<const KnownCode> known_code();
/// Branches between two CPUIDs each, which hypervisors emulate: slow, hence apart. Null where there is none.
const KnownCode* known_code_between_cpuids();

constexpr KnownCounts counts_of(const KnownCode& code, Count n, Count again = 0) {
    const auto times = static_cast<std::int64_t>(n);
    const auto repeated = static_cast<std::int64_t>(again);
    const auto sum = [&](std::int64_t KnownCounts::*what) {
        return code.each.*what * times + code.once.*what + code.again.*what * repeated;
    };
    return {.instructions = sum(&KnownCounts::instructions),
            .taken = sum(&KnownCounts::taken),
            .not_taken = sum(&KnownCounts::not_taken),
            .jumps = sum(&KnownCounts::jumps)};
}

}  // namespace escapement
