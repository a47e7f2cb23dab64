#pragma once
// The outcome of a `escapement verify` as text: the table, and what it says.

#include "verify_options.hpp"
#include "verify_result.hpp"
#include "verify_session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace escapement::verify {

/// Medians of one group divided by those of another.
struct Ratio {
    std::string name;  ///< "counted / stock"
    std::optional<double> wall;
    std::optional<double> cpu;
    std::optional<double> replay;
};

/// Of every two groups, the ordered runs first.
std::vector<Ratio> ratios_of(const std::vector<Group>& groups);

/// One line a group, and below it the ratios, if there is more than one group. Ends in a newline.
std::string table_of(const std::vector<Group>& groups);

/// What came out, what is wrong in it, and where the files are. Ends in a newline.
std::string conclusion_of(const Outcome& outcome, const Options& options);

}  // namespace escapement::verify
