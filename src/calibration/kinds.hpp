#pragma once
// What kind of thing an event counts, told from what it counts of known code.

#include <escapement/calibration.hpp>

#include <array>
#include <map>

namespace escapement::calibration {

struct Kind {
    const char* name;
    std::int64_t (*of)(const KnownCounts& counts);
};
inline constexpr std::array<Kind, 5> kinds{{
    {"instructions", [](const KnownCounts& counts) { return counts.instructions; }},
    {"conditional branches", [](const KnownCounts& counts) { return counts.conditional(); }},
    {"taken conditional branches", [](const KnownCounts& counts) { return counts.taken; }},
    {"taken branches", [](const KnownCounts& counts) { return counts.taken + counts.jumps; }},
    {"branches", [](const KnownCounts& counts) { return counts.branches(); }},
}};

/// What has been counted of one piece of code, seen as each kind at once, so that no count need be kept.
class CodeRecord {
  public:
    explicit CodeRecord(const KnownCode& code) : code_(code) {}

    /// `many` counted what `rounds` more rounds than in `few` did.
    void add(Count rounds, const Workbench::CodeCount& few, const Workbench::CodeCount& many);

    [[nodiscard]] std::uint64_t n() const { return n_; }
    [[nodiscard]] bool only_zeros() const { return only_zeros_; }
    [[nodiscard]] bool exact(std::size_t kind) const;
    /// Sum of deviations by what was to be counted; 1 at most.
    [[nodiscard]] double error(std::size_t kind) const;
    /// `kind` past the last: deviations from the first count with as many rounds.
    [[nodiscard]] CodeFinding finding(std::size_t kind) const;

  private:
    struct Deviation {
        std::int64_t least = 0;
        std::int64_t most = 0;
        double sum = 0;
        double expected = 0;
    };
    void deviates(Deviation& from, std::int64_t by) const;

    KnownCode code_;
    std::uint64_t n_ = 0;
    bool only_zeros_ = true;
    std::array<Deviation, kinds.size()> by_kind_{};
    Deviation of_its_own_;
    std::map<Count, std::int64_t> first_;
};

/// The kind that fits best; kinds.size() if none does. Exact on most pieces of code, or nearly right on all:
/// then the event counts that kind, if with errors.
std::size_t kind_of(const std::vector<CodeRecord>& records);

}  // namespace escapement::calibration
