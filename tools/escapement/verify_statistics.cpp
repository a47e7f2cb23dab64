#include "verify_statistics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace escapement::verify {
namespace {

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : "?";
}

}  // namespace

tl::expected<Statistics, std::string> parse_statistics(const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return tl::make_unexpected(std::string("the run's statistics are not JSON"));
    const auto reproducible = json.find("reproducible");
    if (reproducible == json.end() || !reproducible->is_boolean()) {
        return tl::make_unexpected(std::string("the run's statistics do not say whether it is reproducible"));
    }
    Statistics statistics;
    statistics.reproducible = reproducible->get<bool>();
    const auto incidents = json.find("incidents");
    if (incidents != json.end() && incidents->is_array()) {
        for (const nlohmann::json& incident : *incidents) {
            statistics.incidents.push_back(fmt::format("{} at {}: {}", text_of(incident, "participant"),
                                                       text_of(incident, "address"),
                                                       text_of(incident, "reason")));
        }
    }
    if (statistics.reproducible) {
        statistics.incidents.clear();
    } else if (statistics.incidents.empty()) {
        statistics.incidents.emplace_back("no reason is given");
    }
    return statistics;
}

}  // namespace escapement::verify
