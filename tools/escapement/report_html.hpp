#pragma once
// HTML that is well-formed by construction: text and attributes are escaped where they enter, and an element
// is closed where it is opened. Whatever a CPU, a kernel or a profile calls itself, it stays text.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace escapement::report {

using Attributes = std::vector<std::pair<std::string, std::string>>;

class Html {
  public:
    Html() = default;
    Html& operator+=(const Html& more) {
        markup_ += more.markup_;
        return *this;
    }
    friend Html operator+(Html one, const Html& two) { return std::move(one += two); }
    [[nodiscard]] const std::string& markup() const { return markup_; }
    [[nodiscard]] bool empty() const { return markup_.empty(); }

  private:
    friend Html text(std::string_view words);
    friend Html element(const char* name, const Attributes& attributes, const Html& content);
    friend Html lone_element(const char* name, const Attributes& attributes);
    friend Html style(const char* rules);
    std::string markup_;
};

Html text(std::string_view words);
Html element(const char* name, const Attributes& attributes, const Html& content);
/// One that has no end tag: meta.
Html lone_element(const char* name, const Attributes& attributes);
/// A style element; `rules` are ours, and taken as they are.
Html style(const char* rules);

inline Html element(const char* name, const Attributes& attributes, std::string_view words) {
    return element(name, attributes, text(words));
}
/// Text of the host's own, which may be written from right to left, or try to look so.
inline Html foreign(std::string_view words) {
    return element("bdi", {}, text(words));
}

/// A table in a box that scrolls where it is too wide. The first row is its heading.
Html table(const std::string& caption, const std::vector<std::vector<Html>>& rows);

}  // namespace escapement::report
