#pragma once
// Shapes of the charts. Units: the view box's, about a pixel.

#include "report_html.hpp"

#include <string>

namespace escapement::report::svg {

Html line(double x1, double y1, double x2, double y2, const std::string& style_class);
Html box(double x, double y, double width, double height, const std::string& style_class);
Html dot(double x, double y, double radius, const std::string& style_class);
/// `anchor`: start, middle, end.
Html label(double x, double y, const std::string& words, const char* anchor, const std::string& style_class);
Html drawing(double width, double height, const std::string& about, const Html& content);

}  // namespace escapement::report::svg
