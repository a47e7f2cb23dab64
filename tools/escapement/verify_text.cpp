#include "verify_text.hpp"

namespace escapement::verify {

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string text_of(const std::optional<Range>& range, const char* nothing) {
    if (!range) return nothing;
    if (range->least == range->most) return grouped(range->least);
    return grouped(range->least) + "-" + grouped(range->most);
}

}  // namespace escapement::verify
