#pragma once
// What the user of `escapement verify` asked for.

#include "verify_plan.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement::verify {

struct Options {
    int runs = 5;
    bool replay = false;
    bool against_stock = false;
    std::optional<std::chrono::nanoseconds> time_limit;        ///< of each run
    std::chrono::nanoseconds grace = std::chrono::seconds{2};  ///< from SIGTERM to SIGKILL
    std::set<unsigned> cpus;                                   ///< on which each run stays; none: any
    std::string keep;                                          ///< directory for all files, or ""
    std::vector<std::string> consoles;
    std::string json;  ///< report files, or ""
    std::string junit;
    Settings settings;
    std::vector<std::string> command;
};

}  // namespace escapement::verify
