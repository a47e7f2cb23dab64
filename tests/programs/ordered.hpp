#pragma once
// Runs a program under `escapement run` in one surrounding after another, and wants the same every time.

#include "process.hpp"

#include <string>
#include <vector>

namespace programs {

/// The path of a program of cases/.
std::string case_path(const std::string& name);

/// `escapement run` OPTIONS -- COMMAND.
std::vector<std::string> ordered(const std::vector<std::string>& command,
                                 const std::vector<std::string>& options = {});

/// The lines of `output` that the order may not change: those that do not begin with "order".
std::string results_of(const std::string& output);

struct Expectation {
    bool against_unordered = true;  ///< results are those of the program without Escapement
    int status = 0;
    std::vector<std::string> options = {};  ///< for every run
    std::vector<std::string> quanta = {"", "1", "13"};
    bool may_be_marked =
        false;  ///< other processes have a say: results are the same, and where they had it, it is said
    unsigned runs = 3;  ///< for each quantum, twice: idle and under load
};

/// Runs COMMAND with each quantum: idle and loaded machine, CPUs chosen and left alone, environments and
/// directories of several sizes. Output, errors and status must be equal in all.
void expect_same(const std::vector<std::string>& command, const Expectation& expectation = {});

/// The same for one scenario of one program of cases/.
void expect_same(const std::string& name, const std::string& scenario, const Expectation& expectation = {});

}  // namespace programs
