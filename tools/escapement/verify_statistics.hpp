#pragma once
// Reads what `escapement run --stats=FILE.json` leaves.

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace escapement::verify {

struct Statistics {
    bool reproducible = false;
    std::vector<std::string>
        incidents;  ///< why not, a sentence each; never empty when it is not reproducible
};

/// An error unless the text says plainly whether the run is reproducible.
tl::expected<Statistics, std::string> parse_statistics(const std::string& text);

}  // namespace escapement::verify
