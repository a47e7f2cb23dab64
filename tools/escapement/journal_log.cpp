// `escapement log` of a journal.

#include "journal_files.hpp"
#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace escapement::command {

namespace {

struct Counts {
    std::array<std::uint64_t, journal_record_kinds> kinds{};
    std::array<std::uint64_t, operation_kinds> operations{};
};

const char* name_of(const JournalRecord& record) {
    return record.kind == JournalRecordKind::operation ? to_string(record.operation) : to_string(record.kind);
}

bool wanted(const JournalLogOptions& options, const JournalRecord& record) {
    const std::string_view name = name_of(record);
    return options.kinds.empty() || std::ranges::any_of(options.kinds, [&](std::string part) {
               std::ranges::transform(part, part.begin(), [](unsigned char letter) {
                   return static_cast<char>(std::tolower(letter));
               });
               return name.find(part) != std::string_view::npos;
           });
}

void print_header(const JournalHeader& header) {
    fmt::print("{}, quantum {}, clocks: {}{}{}\n", escaped(std::string(header.policy)), header.quantum,
               escaped(std::string(header.clock_source)), header.event.empty() ? "" : " ",
               escaped(std::string(header.event)));
    if (!header.fingerprint.empty()) fmt::print("host: {}\n", escaped(std::string(header.fingerprint)));
    if (!header.command_line.empty()) fmt::print("command: {}\n", escaped(std::string(header.command_line)));
    fmt::print("\n");
}

void show(const JournalLogOptions& options, const JournalRecord& record, std::uint64_t index, bool first,
          JournalNames& names) {
    if (options.json) {
        fmt::print("{}\n{}", first ? "" : ",", dump(to_json(record, index, names)));
        return;
    }
    if (first) fmt::print("{:>10} {:>16} {:>18}  {}\n", "record", "participant", "clock", "what");
    const auto place = names.places().find(record.address);
    fmt::print("{:>10} {:>16} {:>18}  {}{}{}\n", index, names.participant(record.participant), record.clock,
               describe(record), place ? "  " : "", place ? place->text() : "");
}

nlohmann::ordered_json json_of(const Counts& counts) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (std::size_t kind = 1; kind < counts.kinds.size(); ++kind) {
        if (counts.kinds[kind] > 0)
            json[to_string(static_cast<JournalRecordKind>(kind))] = counts.kinds[kind];
    }
    for (std::size_t kind = 0; kind < counts.operations.size(); ++kind) {
        if (counts.operations[kind] > 0)
            json[to_string(static_cast<OperationKind>(kind))] = counts.operations[kind];
    }
    return json;
}

void print_histogram(const Counts& counts, const JournalReader& reader) {
    fmt::print("{:<20} {:>12} {:>7}\n", "kind", "records", "share");
    std::vector<std::pair<std::uint64_t, std::string>> lines;
    const auto json = json_of(counts);
    for (const auto& [name, count] : json.items())
        lines.emplace_back(count.get<std::uint64_t>(), name);
    std::ranges::stable_sort(lines, [](const auto& a, const auto& b) { return a.first > b.first; });
    const auto all = static_cast<double>(reader.records());
    for (const auto& [count, name] : lines)
        fmt::print("{:<20} {:>12} {:>6.2f}%\n", name, count, 100.0 * static_cast<double>(count) / all);
    fmt::print("{:<20} {:>12}\n\n{} bytes, {:.2f} per record; {} before compression\n", "all",
               reader.records(), reader.bytes(), all == 0 ? 0 : static_cast<double>(reader.bytes()) / all,
               reader.raw_bytes());
}

int complain(const JournalLogOptions& options, const JournalError& error) {
    if (options.json) fmt::print("{}\n", dump({{"error", to_json(error)}}));
    fmt::print(stderr, "escapement log: {}\n", error.text());
    return 2;
}

}  // namespace

int log_journal(const JournalLogOptions& options) {
    JournalFile file;
    if (const auto error = open_journal(file, options.file)) return complain(options, *error);
    auto reader = JournalReader::open(file, options.file);
    if (!reader) return complain(options, reader.error());

    // Records are printed as they are read: a journal may be larger than the memory.
    if (options.json) {
        fmt::print("{{\"header\":{},\n\"records\":[", dump(to_json(reader->header())));
    } else {
        print_header(reader->header());
    }
    JournalNames names;
    Counts counts;
    std::uint64_t shown = 0;
    JournalRecord record;
    while (reader->next(record)) {
        ++counts.kinds[static_cast<std::size_t>(record.kind)];
        if (record.kind == JournalRecordKind::operation)
            ++counts.operations[static_cast<std::size_t>(record.operation)];
        if (!record.bytes.empty() || record.kind == JournalRecordKind::created) names.see(record);
        if (options.histogram_only || shown >= options.limit || reader->index() < options.from ||
            record.clock < options.from_clock || !wanted(options, record))
            continue;
        show(options, record, reader->index(), shown++ == 0, names);
    }
    const auto& trouble = reader->trouble();
    if (options.json) {
        fmt::print("],\n\"summary\":{}}}\n",
                   dump({{"name", options.file},
                         {"bytes", reader->bytes()},
                         {"raw_bytes", reader->raw_bytes()},
                         {"records", reader->records()},
                         {"kinds", json_of(counts)},
                         {"trouble", trouble ? to_json(*trouble) : nlohmann::ordered_json()}}));
    } else {
        if (shown > 0) fmt::print("\n");
        print_histogram(counts, *reader);
    }
    if (!finish_output()) return 2;
    if (trouble) {
        fmt::print(stderr, "escapement log: {}\n", trouble->text());
        return 2;
    }
    return 0;
}

}  // namespace escapement::command
