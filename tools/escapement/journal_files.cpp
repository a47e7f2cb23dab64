#include "journal_files.hpp"

#include "log_files.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <system_error>

namespace escapement::command {

using Json = nlohmann::ordered_json;

bool is_journal(const std::string& path) {
    JournalFile file;
    std::array<std::byte, 8> beginning{};
    return file.open(path.c_str()) == 0 && file.read(beginning).size == beginning.size() &&
           begins_as_journal(beginning);
}

std::optional<JournalError> open_journal(JournalFile& file, const std::string& path) {
    const int error = file.open(path.c_str());
    if (error == 0) return std::nullopt;
    return JournalError{JournalError::Kind::unreadable,
                        path,
                        0,
                        0,
                        fmt::format("cannot be opened: {}", std::generic_category().message(error)),
                        "check the name and the permissions"};
}

void JournalNames::see(const JournalRecord& record) {
    const std::string text(reinterpret_cast<const char*>(record.bytes.data()), record.bytes.size());
    if (record.kind == JournalRecordKind::role) roles_[record.participant] = text;
    if (record.kind == JournalRecordKind::module) places_.add_module(record.object, text);
    // A number that is given out again has no name yet.
    if (record.kind == JournalRecordKind::created) roles_.erase(record.participant);
}

std::string JournalNames::role(ParticipantNumber number) const {
    const auto known = roles_.find(number);
    return known == roles_.end() ? "" : known->second;
}

std::string JournalNames::participant(ParticipantNumber number) const {
    const std::string name = role(number);
    return name.empty() ? fmt::format("{}", number) : fmt::format("{} ({})", number, escaped(name));
}

Json to_json(const JournalRecord& record, std::uint64_t index, JournalNames& names) {
    Json json = {{"index", index}, {"participant", record.participant}};
    if (const std::string role = names.role(record.participant); !role.empty()) json["role"] = role;
    json["clock"] = record.clock;
    json["kind"] = to_string(record.kind);
    if (record.kind == JournalRecordKind::operation) json["operation"] = to_string(record.operation);
    if (record.object != 0) json["object"] = record.object;
    json["result"] = record.result;
    if (record.value != 0) json["value"] = record.value;
    json["text"] = describe(record);
    if (!record.bytes.empty()) {
        std::string bytes;
        for (const std::byte byte : record.bytes.first(std::min(record.bytes.size(), KeptRecord::kept)))
            fmt::format_to(std::back_inserter(bytes), "{:02x}", std::to_integer<unsigned>(byte));
        json["bytes"] = bytes;
    }
    if (const auto place = names.places().find(record.address)) {
        json["address"] = fmt::format("{:#x}", place->address);
        json["module"] = place->file;
        if (!place->function.empty()) json["function"] = place->function;
        if (!place->source.empty()) json["source"] = place->source;
        if (!place->instruction.empty()) json["instruction"] = place->instruction;
    }
    return json;
}

Json to_json(const JournalError& error) {
    const auto name = [&] {
        switch (error.kind) {
            case JournalError::Kind::unreadable:
                return "unreadable";
            case JournalError::Kind::not_a_journal:
                return "not_a_journal";
            case JournalError::Kind::other_version:
                return "other_version";
            case JournalError::Kind::cut:
                return "cut";
            case JournalError::Kind::damaged:
                break;
        }
        return "damaged";
    };
    return {{"kind", name()},           {"journal", error.journal}, {"offset", error.offset},
            {"records", error.records}, {"what", error.what},       {"advice", error.advice}};
}

Json to_json(const JournalHeader& header) {
    return {{"policy", header.policy}, {"quantum", header.quantum},  {"clock_source", header.clock_source},
            {"event", header.event},   {"host", header.fingerprint}, {"command", header.command_line}};
}

}  // namespace escapement::command
