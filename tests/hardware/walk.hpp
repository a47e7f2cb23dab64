#pragma once
// A walk through code with boundaries at random places, each checked against a trace of every instruction.

#include <escapement/counted_thread.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace hardware {

/// Code to walk through. The walk begins with nops, in which a boundary tells by its address how many
/// instructions have been executed.
using Code = void (*)();

/// Every boundary is noted, and the next one follows at random.
class Walker final : public escapement::BoundaryListener {
  public:
    Walker(std::size_t most, escapement::Count longest, std::uint64_t seed)
        : met_(most), longest_(longest), random_(seed) {}

    escapement::Count at_boundary(escapement::CountedThread& thread,
                                  const escapement::Boundary& here) override;
    void missed(escapement::CountedThread& /*thread*/, const escapement::Miss& miss) override {
        miss_ = miss;
    }

    /// In the order in which they were met. Allocated beforehand: handlers must not.
    [[nodiscard]] const std::vector<escapement::Boundary>& met() const { return met_; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] const std::optional<escapement::Miss>& miss() const { return miss_; }
    void forget() { count_ = 0; }

  private:
    std::vector<escapement::Boundary> met_;
    std::size_t count_ = 0;
    escapement::Count longest_;
    std::mt19937_64 random_;
    std::optional<escapement::Miss> miss_;
};

/// What the walk's alarms are.
struct Counting {
    escapement::EventCode clock;
    escapement::EventCode alarm;
};
/// The events by which threads are counted here; the laboratory's are known.
std::optional<Counting> counting_here();
escapement::CountedThreadOptions options_of(const Counting& counting, escapement::Count margin);

/// The addresses of all instructions that a walk through `code` executes, by single steps.
std::vector<std::uintptr_t> trace_of(Code code);

struct Verdict {
    std::size_t boundaries = 0;
    std::size_t wrong = 0;     ///< not where the trace has the count
    std::size_t unplaced = 0;  ///< walks in which no boundary fell into the nops
    std::optional<escapement::Boundary> first_wrong;
    std::optional<escapement::Miss> miss;
    escapement::CountedThread::Statistics statistics;
};

/// Walks through `code` again and again until `boundaries` were met.
Verdict walk(Code code, const escapement::CountedThreadOptions& options, std::size_t boundaries,
             escapement::Count longest);

/// The clock's difference between begin and end of one walk through `code`, with boundaries in between.
escapement::Count length_of(Code code, const escapement::CountedThreadOptions& options,
                            escapement::Count longest);

}  // namespace hardware
