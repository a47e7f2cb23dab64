#include "profile/fields.hpp"
#include "profile/text.hpp"

#include <fmt/format.h>

namespace escapement {

namespace profile {

namespace {

using Written = nlohmann::ordered_json;

class Writer {
  public:
    template <typename T>
    static Written write(const T& value) {
        Writer writer;
        fields(writer, value);
        return std::move(writer.object_);
    }

    void real(const char* key, double value) { object_[key] = value; }
    void count(const char* key, std::uint64_t value, std::uint64_t) { object_[key] = value; }
    void difference(const char* key, std::int64_t value) { object_[key] = value; }
    void bits(const char* key, std::uint64_t value) { object_[key] = fmt::format("{:#x}", value); }
    void text(const char* key, const std::string& value) { object_[key] = shortened(value); }
    template <typename T>
    void choice(const char* key, T value, std::span<const std::string_view> names) {
        object_[key] = std::string(names[static_cast<std::size_t>(value)]);
    }
    template <typename T>
    void object(const char* key, const T& value) {
        object_[key] = write(value);
    }
    template <typename T>
    void optional(const char* key, const std::optional<T>& value) {
        object_[key] = value ? write(*value) : Written();
    }
    template <typename T>
    void list(const char* key, const std::vector<T>& values, std::size_t) {
        Written& array = object_[key] = Written::array();
        for (const T& value : values)
            array.push_back(write(value));
    }
    template <typename T>
    void counts(const char* key, const std::vector<T>& values, std::size_t, std::uint64_t) {
        object_[key] = values;
    }
    void texts(const char* key, const std::vector<std::string>& values, std::size_t) {
        Written& array = object_[key] = Written::array();
        for (const std::string& value : values)
            array.push_back(shortened(value));
    }
    void version(const char* key, unsigned wanted) { object_[key] = wanted; }

  private:
    /// As the reader takes it: what the kernel or a library says of an event is not ours to trust.
    static std::string shortened(std::string text) {
        if (text.size() > longest_text) {
            std::size_t end = longest_text;
            while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
                --end;  // not in the midst of a character
            text.resize(end);
        }
        return printable(std::move(text));
    }

    Written object_ = Written::object();
};

}  // namespace

}  // namespace profile

std::string write_profile(const Profile& profile) {
    // What is no UTF-8 is replaced, so that nothing is thrown.
    return profile::Writer::write(profile).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
           '\n';
}

}  // namespace escapement
