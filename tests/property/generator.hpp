#pragma once
// Random programs.

#include "program.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <vector>

namespace escapement::simulation {

/// A few instructions that belong together: a critical section, a consumer's wait.
struct Phrase {
    std::uint8_t kind = 0;
    std::uint8_t a = 0;
    std::uint8_t b = 0;
    std::uint16_t amount = 0;
};

/// What a program is made from; smaller sketches make smaller programs, which is what shrinking needs.
struct Sketch {
    Policy policy = Policy::counted;
    Count quantum = 1;
    Nanoseconds operation_ns = 1;
    bool stops_only_unlocked = false;
    bool joins_all = false;
    bool patient = false;  ///< may wait without end, and end with a mutex held
    std::vector<std::vector<Phrase>> threads;
    std::vector<std::uint32_t> births;  ///< who creates each thread, and where
};

Program program_of(const Sketch& sketch);
rc::Gen<Sketch> any_sketch();
void showValue(const Sketch& sketch, std::ostream& out);

}  // namespace escapement::simulation

namespace rc {
template <>
struct Arbitrary<escapement::simulation::Sketch> {
    static Gen<escapement::simulation::Sketch> arbitrary() { return escapement::simulation::any_sketch(); }
};
}  // namespace rc
