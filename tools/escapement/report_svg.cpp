#include "report_svg.hpp"

#include <fmt/format.h>

namespace escapement::report::svg {

namespace {

std::string at(double place) {
    return fmt::format("{:.1f}", place);
}

}  // namespace

Html line(double x1, double y1, double x2, double y2, const std::string& style_class) {
    return element("line",
                   {{"class", style_class}, {"x1", at(x1)}, {"y1", at(y1)}, {"x2", at(x2)}, {"y2", at(y2)}},
                   Html());
}

Html box(double x, double y, double width, double height, const std::string& style_class) {
    return element(
        "rect",
        {{"class", style_class}, {"x", at(x)}, {"y", at(y)}, {"width", at(width)}, {"height", at(height)}},
        Html());
}

Html dot(double x, double y, double radius, const std::string& style_class) {
    return element("circle", {{"class", style_class}, {"cx", at(x)}, {"cy", at(y)}, {"r", at(radius)}},
                   Html());
}

Html label(double x, double y, const std::string& words, const char* anchor, const std::string& style_class) {
    return element("text", {{"class", style_class}, {"x", at(x)}, {"y", at(y)}, {"text-anchor", anchor}},
                   words);
}

Html drawing(double width, double height, const std::string& about, const Html& content) {
    return element("svg",
                   {{"viewBox", fmt::format("0 0 {:.0f} {:.0f}", width, height)},
                    {"role", "img"},
                    {"aria-label", about}},
                   content);
}

}  // namespace escapement::report::svg
