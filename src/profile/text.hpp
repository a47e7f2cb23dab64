#pragma once
// Profiles as text, before anything is known of what they say; and what else is JSON from people (plans).

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace escapement::profile {

using Json = nlohmann::json;

/// JSON that is no larger, deeper or longer than a profile can be, and has no key twice; else where it goes
/// wrong ("12:7: this is not JSON: …"), without the file's name. `what` it is, for messages.
tl::expected<Json, std::string> parse(std::string_view text, const char* what = "a profile");

/// What is wrong with a file, with its name: a place of the kind LINE:COLUMN follows that at once, as
/// compilers have it.
std::string in_file(const std::string& path, const std::string& reason);

/// Without what a terminal would obey.
std::string printable(std::string text);

}  // namespace escapement::profile
