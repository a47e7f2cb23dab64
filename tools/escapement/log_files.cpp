#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <span>
#include <system_error>

namespace escapement::command {

using Json = nlohmann::ordered_json;

tl::expected<std::ifstream, QemuLogError> open_log_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (file) return file;
    const int reason = errno;
    return tl::make_unexpected(
        QemuLogError{QemuLogError::Kind::unreadable, path, 0,
                     fmt::format("cannot be opened: {}",
                                 reason == 0 ? "unknown reason" : std::generic_category().message(reason)),
                     "check the name and the permissions"});
}

Json to_json(const QemuEventRecord& event) {
    std::string bytes;
    const std::size_t kept = std::min<std::size_t>(event.payload_size, QemuEventRecord::kept);
    for (const std::byte byte : std::span(event.payload).first(kept))
        fmt::format_to(std::back_inserter(bytes), "{:02x}", std::to_integer<unsigned>(byte));
    return {{"index", event.index},
            {"offset", event.offset},
            {"icount", event.icount},
            {"kind", kind_name(event.kind)},
            {"payload_size", event.payload_size},
            {"payload", bytes},
            {"text", describe_payload(event)}};
}

Json to_json(const QemuLogError& error) {
    const auto name = [&] {
        switch (error.kind) {
            case QemuLogError::Kind::unreadable:
                return "unreadable";
            case QemuLogError::Kind::not_a_log:
                return "not_a_log";
            case QemuLogError::Kind::other_version:
                return "other_version";
            case QemuLogError::Kind::not_closed:
                return "not_closed";
            case QemuLogError::Kind::truncated:
                return "truncated";
            case QemuLogError::Kind::damaged:
                return "damaged";
        }
        return "unknown";
    };
    return {{"kind", name()},
            {"log", error.log},
            {"offset", error.offset},
            {"what", error.what},
            {"advice", error.advice}};
}

Json to_json(const QemuLogSummary& summary) {
    Json kinds = Json::object();
    for (std::size_t kind = 0; kind < summary.by_kind.size(); ++kind) {
        if (summary.by_kind[kind] > 0)
            kinds[kind_name(static_cast<QemuEventKind>(kind))] = summary.by_kind[kind];
    }
    return {{"name", summary.name},      {"bytes", summary.bytes},
            {"events", summary.events},  {"instructions", summary.icount},
            {"kinds", std::move(kinds)}, {"trouble", summary.trouble ? to_json(*summary.trouble) : Json()}};
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

QemuEventRecord record_of(const QemuEvent& event) {
    QemuEventRecord record;
    record.index = event.index;
    record.offset = event.offset;
    record.icount = event.icount;
    record.payload_size = static_cast<std::uint32_t>(event.payload.size());
    record.kind = event.kind;
    std::copy_n(event.payload.begin(), std::min(event.payload.size(), QemuEventRecord::kept),
                record.payload.begin());
    return record;
}

std::string escaped(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto value = static_cast<unsigned char>(text[at]);
        // The C1 controls, which some terminals obey, are two bytes in UTF-8.
        const bool second =
            value == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
        if (value < 0x20 || value == 0x7f || second) {
            fmt::format_to(std::back_inserter(result), "\\x{:02x}", value);
        } else {
            result += text[at];
        }
        if (second)
            fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(text[++at]));
    }
    return result;
}

bool finish_output() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
    std::fputs("escapement: standard output could not be written\n", stderr);
    return false;
}

}  // namespace escapement::command
