#include "campaign_record.hpp"

#include <fmt/format.h>

#include <exception>

namespace escapement::campaign {

namespace {

using Json = nlohmann::ordered_json;

/// A member as text; "" if there is none.
std::string text_in(const Json& json, const char* key) {
    if (!json.is_object()) return {};
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

const Json& member_of(const Json& json, const char* key) {
    static const Json nothing;
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() ? *found : nothing;
}

/// "lock", or "lock or wait" where the two sides do not do the same.
std::string either(const std::string& a, const std::string& b) {
    if (a == b || b.empty()) return a;
    if (a.empty()) return b;
    return a < b ? a + " or " + b : b + " or " + a;
}

std::string what_of(const Json& record) {
    const std::string operation = text_in(record, "operation");
    return operation.empty() ? text_in(record, "kind") : operation;
}

std::string who_of(const Json& record) {
    const std::string role = text_in(record, "role");
    return role.empty() ? text_in(record, "participant") : role;
}

std::string place_of(const Json& record) {
    const std::string source = text_in(record, "source");
    const std::string function = text_in(record, "function");
    if (!source.empty()) return function.empty() ? source : function + ", " + source;
    return function.empty() ? text_in(record, "module") : function + " in " + text_in(record, "module");
}

Cause cause_of_journals(const Json& difference) {
    const Json& a = member_of(difference, "record_a");
    const Json& b = member_of(difference, "record_b");
    return {
        .who = either(who_of(a), who_of(b)),
        .what = either(what_of(a), what_of(b)),
        .object = either(text_in(a, "object"), text_in(b, "object")),
        .place = either(place_of(a), place_of(b)),
        .why = fmt::format("at record {}: {}", text_in(difference, "record"), text_in(difference, "why"))};
}

Cause cause_of_logs(const Json& difference) {
    return {.who = text_in(difference, "cause"),
            .what = either(text_in(difference, "a"), text_in(difference, "b")),
            .object = {},
            .place = text_in(difference, "phase"),
            .why = fmt::format("at event {}: {}", text_in(difference, "event"), text_in(difference, "why"))};
}

/// Of two, the earlier one: payloads are compared only before the kinds part.
const Json& first_of(const Json& difference) {
    const Json& payload = member_of(difference, "by_payload");
    return payload.is_object() ? payload : member_of(difference, "by_kind");
}

std::optional<Cause> cause_of_difference(const Json& difference) {
    if (!difference.is_object()) return std::nullopt;
    if (const Json& journal = member_of(difference, "journal"); journal.is_object())
        return cause_of_journals(journal);
    if (const Json& log = first_of(difference); log.is_object()) return cause_of_logs(log);
    if (const Json& byte = member_of(difference, "byte"); !byte.is_null())
        return Cause{"", "file's contents", "", "", "first at byte " + byte.dump()};
    for (const Json& console : member_of(difference, "consoles"))
        return Cause{"", "console", "", "", console.get<std::string>()};
    return std::nullopt;
}

/// "PARTICIPANT at ADDRESS: REASON", as verify has it.
Cause cause_of_incident(const std::string& incident) {
    const std::size_t at = incident.find(" at ");
    const std::size_t colon = incident.find(": ", at == std::string::npos ? 0 : at);
    if (at == std::string::npos || colon == std::string::npos)
        return {"", "not reproducible by its own account", "", "", incident};
    return {incident.substr(0, at), "not reproducible by its own account", "",
            incident.substr(at + 4, colon - at - 4), incident.substr(colon + 2)};
}

std::optional<double> seconds_in(const Json& execution, const char* key) {
    const Json& value = member_of(execution, key);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

Record record_of(const Json& json) {
    Record record;
    record.run = {json.at("cell").get<std::size_t>(), json.at("run").get<std::uint64_t>()};
    record.outcome = json.at("outcome").get<std::string>();
    record.host = json.at("host").get<std::string>();
    record.files = json.at("files").get<std::string>();
    const Json& result = json.at("result");
    const Json& recording = result.at("record");
    record.complete = recording.at("complete").get<bool>();
    record.failures = recording.at("failures").get<std::vector<std::string>>();
    record.incidents = recording.at("incidents").get<std::vector<std::string>>();
    if (record.complete) {
        record.wall = seconds_in(recording, "wall_seconds");
        record.cpu = seconds_in(recording, "cpu_seconds");
    }
    if (const Json& replay = member_of(result, "replay"); replay.is_object()) {
        for (const Json& failure : replay.at("failures"))
            record.failures.push_back("replay: " + failure.get<std::string>());
        for (const Json& incident : replay.at("incidents"))
            record.incidents.push_back(incident.get<std::string>());
        if (replay.at("complete").get<bool>()) {
            record.replay_agrees = replay.at("consoles").empty();
            record.replay_wall = seconds_in(replay, "wall_seconds");
        } else {
            record.complete = false;
        }
    }
    record.cause = cause_in(result);
    return record;
}

}  // namespace

std::optional<Cause> cause_in(const Json& run) {
    if (auto cause = cause_of_difference(member_of(run, "difference"))) return cause;
    const Json& replay = member_of(run, "replay");
    for (const Json* execution : {&member_of(run, "record"), &replay}) {
        for (const Json& incident : member_of(*execution, "incidents"))
            return cause_of_incident(incident.get<std::string>());
    }
    for (const Json& console : member_of(replay, "consoles"))
        return Cause{"", "replay's console", "", "", console.get<std::string>()};
    return std::nullopt;
}

tl::expected<Record, std::string> read_record(const std::string& text) {
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return tl::unexpected(std::string("it is not JSON"));
    if (text_in(json, "format") != "1") return tl::unexpected(std::string("it is no result of format 1"));
    try {
        return record_of(json);
    } catch (const std::exception& error) {
        return tl::unexpected(fmt::format("it is no result of a run: {}", error.what()));
    }
}

}  // namespace escapement::campaign
