#include "journal_beginning.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_file.hpp>

#include <fmt/format.h>

#include <cstring>

namespace escapement::command {

namespace {
constexpr std::uint64_t flag_real_time = 1;  // tools/preload/journal_start.cpp
}

std::string quoted(const std::vector<std::string>& command) {
    constexpr std::size_t most = 8192;
    std::string text;
    for (const std::string& argument : command) {
        if (!text.empty()) text += ' ';
        const bool quotes = argument.empty() || argument.find_first_of(" '\\\n") != std::string::npos;
        if (quotes) text += '\'';
        for (const char letter : argument) {
            if (letter == '\'' || letter == '\\') text += '\\';
            text += letter;
        }
        if (quotes) text += '\'';
    }
    return text.substr(0, most);
}

tl::expected<JournalBeginning, std::string> read_journal_beginning(const std::string& path) {
    JournalFile file;
    if (const int error = file.open(path.c_str()); error != 0)
        return tl::unexpected(fmt::format("cannot read the journal {}: {}", path, std::strerror(error)));
    auto reader = JournalReader::open(file, path);
    if (!reader) return tl::unexpected(reader.error().text());
    const JournalHeader& header = reader->header();
    JournalBeginning beginning{.command = std::string(header.command_line),
                               .policy = std::string(header.policy),
                               .quantum = header.quantum,
                               .clock = std::string(header.clock_source),
                               .event = std::string(header.event),
                               .time = (header.flags & flag_real_time) != 0 ? "real" : "virtual",
                               .seed = 1};
    JournalRecord record;
    if (reader->next(record) && record.kind == JournalRecordKind::random_seed) beginning.seed = record.value;
    return beginning;
}

}  // namespace escapement::command
