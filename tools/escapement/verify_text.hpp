#pragma once
// Numbers as people read them.

#include "verify_result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace escapement::verify {

/// 621034 as "621,034".
std::string grouped(std::uint64_t number);

/// "12" or "12-65"; `nothing` when there is no range.
std::string text_of(const std::optional<Range>& range, const char* nothing);

}  // namespace escapement::verify
