#include "profile/text.hpp"

#include <escapement/profile.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>

namespace escapement::profile {

namespace {

constexpr std::size_t deepest = 16;
/// Each takes memory many times its text.
constexpr std::size_t most_values = std::size_t{1} << 20U;

/// Tells how far the parser has come: its own handlers are not told.
class Advancing {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    Advancing(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
    reference operator*() const { return *at_; }
    Advancing& operator++() {
        *furthest_ = ++at_;
        return *this;
    }
    Advancing operator++(int) {
        const Advancing before = *this;
        ++*this;
        return before;
    }
    bool operator==(const Advancing& other) const { return at_ == other.at_; }
    bool operator!=(const Advancing& other) const { return at_ != other.at_; }

  private:
    const char* at_;
    const char** furthest_;
};

/// What the library has to say, without its own marks and without the place, which it counts in its own way.
std::string reason_of(std::string_view what) {
    for (const std::string_view mark : {"] ", "column ", ": "}) {
        const auto found = what.find(mark);
        if (mark == "column " && found == std::string_view::npos) break;
        if (found != std::string_view::npos) what.remove_prefix(found + mark.size());
    }
    return std::string(what);
}

/// Looks at the text without keeping any of it.
class Inspection : public nlohmann::json_sax<Json> {
  public:
    std::string trouble;

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool start_object(std::size_t) override { return enter(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool key(string_t& name) override {
        if (!keys_.back().insert(name).second)
            return refuse(fmt::format("the key '{}' is there twice", printable(name.substr(0, 60))));
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        std::string reason = "this is not JSON: " + printable(reason_of(error.what()));
        if (reason.find("unexpected end of input") != std::string::npos) reason += "; the file was cut off";
        return refuse(std::move(reason));
    }

  private:
    bool refuse(std::string reason) {
        trouble = std::move(reason);
        return false;
    }
    bool value() {
        if (++values_ > most_values) return refuse(fmt::format("there are more than {} values", most_values));
        return true;
    }
    bool enter() {
        if (keys_.size() == deepest) return refuse(fmt::format("it is nested more than {} deep", deepest));
        keys_.emplace_back();
        return value();
    }
    bool leave() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;  ///< of each object or array that is open
    std::size_t values_ = 0;
};

std::string place(std::string_view text, const char* end) {
    const auto* const begin = text.data();
    const auto lines = std::count(begin, end, '\n');
    const auto* line = end;
    while (line != begin && line[-1] != '\n')
        --line;
    return fmt::format("{}:{}", lines + 1, std::max<std::ptrdiff_t>(end - line, 1));
}

}  // namespace

std::string printable(std::string text) {
    for (char& letter : text) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
    }
    return text;
}

std::string in_file(const std::string& path, const std::string& reason) {
    const bool placed = !reason.empty() && reason.front() >= '0' && reason.front() <= '9' &&
                        reason.find(':') < reason.find(' ');
    return path + (placed ? ":" : ": ") + reason;
}

tl::expected<Json, std::string> parse(std::string_view text, const char* what) {
    if (text.size() > largest_profile)
        return tl::unexpected(
            fmt::format("{} bytes are more than {} can have ({})", text.size(), what, largest_profile));
    if (text.empty()) return tl::unexpected(std::string("the file is empty"));
    const char* furthest = text.data();
    Inspection inspection;
    const bool whole = Json::sax_parse(Advancing(text.data(), &furthest),
                                       Advancing(text.data() + text.size(), &furthest), &inspection);
    if (!whole) return tl::unexpected(place(text, furthest) + ": " + inspection.trouble);
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return tl::unexpected(std::string("this is not JSON"));
    return json;
}

}  // namespace escapement::profile
