#include "profile/fields.hpp"
#include "profile/sense.hpp"
#include "profile/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>

namespace escapement {

namespace profile {

namespace {

/// Keeps the first thing that is wrong, and where; after that it reads nothing more.
class Reader {
  public:
    template <typename T>
    void read(const Json& json, T& value) {
        if (!json.is_object()) return refuse(expected("an object", json));
        const Json* const outer = std::exchange(object_, &json);
        std::vector<const char*> outer_keys = std::exchange(keys_, {});
        fields(*this, value);
        refuse_unknown_keys(json);
        if (!refusal_) {
            if (auto reason = nonsense(value); !reason.empty()) refuse(std::move(reason));
        }
        keys_ = std::move(outer_keys);
        object_ = outer;
    }

    void real(const char* key, double& value) {
        at(key, [&](const Json& json) {
            if (!json.is_number()) return refuse(expected("a number", json));
            value = json.get<double>();
            if (!(std::fabs(value) <= largest_number))
                refuse(fmt::format("{} is no sensible number", json.dump()));
        });
    }
    template <typename T>
    void count(const char* key, T& value, std::uint64_t most) {
        at(key, [&](const Json& json) { whole(json, value, most); });
    }
    void difference(const char* key, std::int64_t& value) {
        at(key, [&](const Json& json) {
            if (!json.is_number_integer()) return refuse(expected("a whole number", json));
            if (json.is_number_unsigned() && json.get<std::uint64_t>() > any_count - 1)
                return refuse(fmt::format("{} is too large", json.dump()));
            value = json.get<std::int64_t>();
        });
    }
    void bits(const char* key, std::uint64_t& value) {
        at(key, [&](const Json& json) {
            const auto* const text = json.get_ptr<const std::string*>();
            if (text == nullptr) return refuse(expected("a string such as \"0x1c4\"", json));
            const char* const end = text->data() + text->size();
            if (text->size() > 2 && text->compare(0, 2, "0x") == 0) {
                const auto [stop, error] = std::from_chars(text->data() + 2, end, value, 16);
                if (error == std::errc() && stop == end) return;
            }
            refuse(fmt::format("expected a string such as \"0x1c4\", found \"{}\"",
                               printable(text->substr(0, 60))));
        });
    }
    void text(const char* key, std::string& value) {
        at(key, [&](const Json& json) { words(json, value); });
    }
    template <typename T>
    void choice(const char* key, T& value, std::span<const std::string_view> names) {
        at(key, [&](const Json& json) {
            const auto* const text = json.get_ptr<const std::string*>();
            if (text == nullptr) return refuse(expected("a string", json));
            for (std::size_t index = 0; index < names.size(); ++index) {
                if (*text == names[index]) {
                    value = static_cast<T>(index);
                    return;
                }
            }
            refuse(fmt::format("expected one of {}, found \"{}\"", fmt::join(names, ", "),
                               printable(text->substr(0, 60))));
        });
    }
    template <typename T>
    void object(const char* key, T& value) {
        at(key, [&](const Json& json) { read(json, value); });
    }
    template <typename T>
    void optional(const char* key, std::optional<T>& value) {
        at(key, [&](const Json& json) {
            if (json.is_null()) return;
            read(json, value.emplace());
        });
    }
    template <typename T>
    void list(const char* key, std::vector<T>& values, std::size_t most) {
        items(key, values, most, [&](const Json& json, T& value) { read(json, value); });
    }
    template <typename T>
    void counts(const char* key, std::vector<T>& values, std::size_t most, std::uint64_t largest) {
        items(key, values, most, [&](const Json& json, T& value) { whole(json, value, largest); });
    }
    void texts(const char* key, std::vector<std::string>& values, std::size_t most) {
        items(key, values, most, [&](const Json& json, std::string& value) { words(json, value); });
    }
    void version(const char* key, unsigned wanted) {
        if (!object_->contains(key)) return refuse(fmt::format("there is no '{}': this is no profile", key));
        std::uint64_t found = 0;
        count(key, found, any_count);
        if (found != wanted)
            refuse(
                fmt::format("/{}: version {} of the profile, but this Escapement reads version {}: calibrate "
                            "again",
                            key, found, wanted));
    }

    [[nodiscard]] const std::optional<std::string>& refusal() const { return refusal_; }

  private:
    template <typename Read>
    void at(const char* key, Read read_it) {
        if (refusal_) return;
        keys_.push_back(key);
        const auto found = object_->find(key);
        if (found == object_->end()) return refuse(fmt::format("'{}' is missing", key));
        inside(key, [&] { read_it(*found); });
    }
    template <typename T, typename Read>
    void items(const char* key, std::vector<T>& values, std::size_t most, Read read_it) {
        at(key, [&](const Json& json) {
            if (!json.is_array()) return refuse(expected("an array", json));
            if (json.size() > most)
                return refuse(fmt::format("{} items are more than the {} that can be", json.size(), most));
            for (const Json& item : json) {
                if (refusal_) return;
                T value{};
                inside(values.size(), [&] { read_it(item, value); });
                values.push_back(std::move(value));
            }
        });
    }
    template <typename Read>
    void inside(const auto& name, Read read_it) {
        const std::size_t before = path_.size();
        path_ += fmt::format("/{}", name);
        read_it();
        path_.resize(before);
    }
    template <typename T>
    void whole(const Json& json, T& value, std::uint64_t most) {
        if (!json.is_number_integer()) return refuse(expected("a whole number", json));
        if (!json.is_number_unsigned()) return refuse(fmt::format("{} is negative", json.dump()));
        const auto found = json.get<std::uint64_t>();
        if (found > most) return refuse(fmt::format("{} is too large: at most {}", found, most));
        value = static_cast<T>(found);
    }
    void words(const Json& json, std::string& value) {
        const auto* const text = json.get_ptr<const std::string*>();
        if (text == nullptr) return refuse(expected("a string", json));
        if (text->size() > longest_text)
            return refuse(
                fmt::format("{} characters are more than the {} that can be", text->size(), longest_text));
        if (printable(*text) != *text) return refuse("there is a control character in it");
        value = *text;
    }
    void refuse_unknown_keys(const Json& json) {
        if (refusal_) return;
        for (const auto& item : json.items()) {
            const std::string& key = item.key();
            const auto known = [&](const char* each) { return key == each; };
            if (std::none_of(keys_.begin(), keys_.end(), known))
                return refuse(fmt::format("unknown key '{}'", printable(key.substr(0, 60))));
        }
    }
    static std::string expected(const char* what, const Json& found) {
        if (found.is_null()) return fmt::format("expected {}, found null", what);
        if (found.is_number_float() && *what == 'a' && std::string_view(what) == "a whole number")
            return fmt::format("expected {}, found {}", what, found.dump());
        const std::string_view type = found.type_name();
        return fmt::format("expected {}, found {} {}", what, type == "object" || type == "array" ? "an" : "a",
                           type);
    }
    void refuse(std::string reason) {
        if (refusal_) return;
        refusal_ = path_.empty() ? std::move(reason) : path_ + ": " + reason;
    }

    const Json* object_ = nullptr;
    std::vector<const char*> keys_;  ///< of the object, that the schema has
    std::string path_;
    std::optional<std::string> refusal_;
};

tl::expected<Profile, std::string> read(std::string_view text) {
    const auto json = parse(text);
    if (!json) return tl::unexpected(json.error());
    Reader reader;
    Profile profile;
    reader.read(*json, profile);
    if (reader.refusal()) return tl::unexpected(*reader.refusal());
    return profile;
}

}  // namespace

}  // namespace profile

tl::expected<Profile, std::string> read_profile(std::string_view text, const std::string& path) {
    try {
        auto result = profile::read(text);
        if (!result) return tl::unexpected(profile::in_file(path, result.error()));
        return result;
    } catch (const std::exception& error) {  // memory
        return tl::unexpected(profile::in_file(path, error.what()));
    }
}

std::string difference(const Fingerprint& profiled, const Fingerprint& here) {
    std::string text;
    const auto differ = [&](const char* what, const std::string& there, const std::string& now) {
        if (there == now) return;
        const auto shown = [](const std::string& value) {
            return value.empty() ? std::string("none") : profile::printable(value);
        };
        text += fmt::format("{}{} is {} in the profile and {} here", text.empty() ? "" : "; ", what,
                            shown(there), shown(now));
    };
    differ("architecture", profiled.architecture, here.architecture);
    differ("CPU", profiled.cpu, here.cpu);
    differ("CPU's identity", profiled.cpu_identity, here.cpu_identity);
    differ("microcode", profiled.microcode, here.microcode);
    differ("kernel", profiled.kernel, here.kernel);
    differ("hypervisor", profiled.hypervisor, here.hypervisor);
    differ("list of core types", fmt::format("{}", fmt::join(profiled.core_types, ", ")),
           fmt::format("{}", fmt::join(here.core_types, ", ")));
    // Names may be the same together and different one by one.
    if (text.empty() && profiled.core_types != here.core_types) text = "lists of core types differ";
    return text;
}

}  // namespace escapement
