#pragma once
// How the emulator ends when it cannot go on: one line that says why, and a status that says who is to blame.
//
//     if (file == nullptr) fail(trouble, "cannot open ", path, ": ", strerror(errno));

#include <cstdlib>
#include <iostream>

namespace emulator {

inline constexpr int wrong_usage = 2;   ///< the command line, or a file that it names
inline constexpr int guest_fault = 70;  ///< the guest did what no machine allows
inline constexpr int trouble = 125;  ///< the emulator or its order cannot go on: misuse, deadlock, divergence

/// Ends the process without waiting for its other threads, which may be waiting for the caller.
template <typename... Words>
[[noreturn]] void fail(int status, const Words&... words) {
    std::cout.flush();
    ((std::cerr << "emulator: ") << ... << words) << std::endl;
    std::_Exit(status);
}

}  // namespace emulator
