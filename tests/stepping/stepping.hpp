#pragma once
// Runs a function in single steps and notes where each of them stopped.
//
//     const Trace trace = step_through(function, argument);
//
// The handlers are installed by the raw system call, for sanitizers put their own before those of the C
// library.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace escapement::test {

using Code = long (*)(void*);

struct Trace {
    long result = 0;
    std::vector<std::uintptr_t> addresses;  ///< of each stop, the function's first instruction included
    std::uint64_t retired = 0;
    std::size_t strangers = 0;  ///< SIGTRAPs that were not ours
    std::size_t unknown = 0;    ///< stops of which it is not known how many instructions had retired
    bool refused = false;       ///< the host did not give a breakpoint
    [[nodiscard]] std::size_t steps() const { return addresses.empty() ? 0 : addresses.size() - 1; }
};

/// Why steps are impossible here; empty if they are not.
const char* no_steps_because();
/// Steps stop at handlers, and right behind system calls on x86.
bool steps_see_handlers();
/// While one is there, threads are stepped as where breakpoints are never met.
class WithoutBreakpoints {
  public:
    WithoutBreakpoints();
    ~WithoutBreakpoints();
    WithoutBreakpoints(const WithoutBreakpoints&) = delete;
    WithoutBreakpoints& operator=(const WithoutBreakpoints&) = delete;
};

/// All of `code(argument)`; from the `most`-th step on it runs unstepped, unless `at_most`, called there with
/// the handler's context, wants to go on.
Trace step_through(Code code, void* argument, std::size_t most = ~std::size_t{0},
                   bool (*at_most)(void*) = nullptr);

/// A handler with the program's own return from it, and no C library in between.
void install(int signal, void (*handler)(), std::uint64_t mask = 0, unsigned long flags = 0);
void uninstall(int signal);

}  // namespace escapement::test
