#pragma once
// Where a signal has interrupted a thread.
//
// Contract. From the third argument of a signal handler (sigaction(2), SA_SIGINFO): the address of the
// instruction that was to run next, and a number that is equal for two interruptions only if, but for a
// collision of hashes, all general registers and that address were equal: a loop that changes no register
// comes by the same states again and again. May be called in signal handlers. Implemented for each processor
// in platform/.

#include <cstdint>

namespace escapement {

struct Interruption {
    std::uintptr_t address = 0;
    std::uint64_t state = 0;
};

Interruption interruption_of(const void* context);

}  // namespace escapement
