#pragma once
// Assembly whose number of instructions is known, and what all of its tests ask.

#include "../../stepping/stepped_call.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdio>

namespace escapement::test {

struct Memory {
    alignas(64) long cells[16]{};
    bool operator==(const Memory&) const = default;
};

inline bool cannot_step() {
    const char* const why = no_steps_because();
    if (*why == 0) return false;
    std::printf("cannot run here: %s\n", why);
    return true;
}

inline bool cannot_see_handlers() {
    if (cannot_step()) return true;
    if (steps_see_handlers()) return false;
    std::printf("cannot run here: breakpoints are never met on this host, so handlers are not stepped\n");
    return true;
}

/// Stepped and unstepped do the same; stepped twice it takes the same addresses; so many instructions and
/// steps.
inline Trace check(Code code, const Memory& memory, std::uint64_t retired, std::size_t steps) {
    static Memory cells;  // at the same address each time, for code may use that
    cells = memory;
    const long expected = code(&cells);
    const Memory left = cells;
    cells = memory;
    Trace trace = step_through(code, &cells);
    CHECK(cells == left);
    cells = memory;
    const Trace again = step_through(code, &cells);
    CHECK_FALSE(trace.refused);
    CHECK(trace.unknown == 0);
    CHECK(trace.result == expected);
    CHECK(trace.retired == retired);
    CHECK(trace.steps() == steps);
    CHECK(again.retired == retired);
    CHECK(again.addresses == trace.addresses);
    return trace;
}

}  // namespace escapement::test

// NOLINTNEXTLINE(bugprone-macro-parentheses): it declares
#define STEPPED_CODE(name) extern "C" long name(void*) asm("stepped_" #name)
