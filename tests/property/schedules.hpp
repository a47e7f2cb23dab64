#pragma once
// Runs of one program under many host schedules.

#include "simulation.hpp"

#include <cstdint>
#include <string>

namespace escapement::simulation {

/// Chooses at random. The first choices of each kind of run differ between seeds.
class RandomChooser final : public Chooser {
  public:
    explicit RandomChooser(std::uint64_t seed) : state_(seed) {}
    unsigned choose(unsigned count) override {
        return static_cast<unsigned>(((next() >> 32U) * count) >> 32U);
    }
    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t value = state_;
        value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
        value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
        return value ^ (value >> 31U);
    }

  private:
    std::uint64_t state_;
};

/// Keys as different as addresses in different runs.
Keys random_keys(RandomChooser& random);
Keys plain_keys();

/// What differs between two runs of one program; empty if nothing.
std::string first_difference(const Outcome& expected, const Outcome& found);

struct Exploration {
    std::size_t runs = 0;
    std::size_t states = 0;
    double schedules = 0;  ///< ways through the states
    Outcome outcome;
    std::string defect;
};

/// Runs `program` under every host schedule.
Exploration explore(const Program& program, const SimulationOptions& options);

}  // namespace escapement::simulation
