// `escapement diff` of two journals.

#include "journal_files.hpp"
#include "log_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace escapement::command {

namespace {

using Json = nlohmann::ordered_json;

const char* verdict_name(JournalComparison::Verdict verdict) {
    switch (verdict) {
        case JournalComparison::Verdict::identical:
            return "identical";
        case JournalComparison::Verdict::different:
            return "different";
        case JournalComparison::Verdict::unknown:
            break;
    }
    return "unknown";
}

int exit_status(JournalComparison::Verdict verdict) {
    switch (verdict) {
        case JournalComparison::Verdict::identical:
            return 0;
        case JournalComparison::Verdict::different:
            return 1;
        case JournalComparison::Verdict::unknown:
            break;
    }
    return 2;
}

Json to_json(const JournalSummary& summary) {
    return {{"name", summary.name},
            {"bytes", summary.bytes},
            {"records", summary.records},
            {"trouble", summary.trouble ? command::to_json(*summary.trouble) : Json()}};
}

Json to_json(const std::vector<KeptRecord>& records, JournalNames& names) {
    Json json = Json::array();
    for (const KeptRecord& record : records)
        json.push_back(command::to_json(record.view(), record.index, names));
    return json;
}

Json to_json(const JournalDifference& difference, JournalNames& names) {
    const auto one = [&](const std::optional<KeptRecord>& record) {
        return record ? command::to_json(record->view(), record->index, names) : Json();
    };
    return {{"index", difference.index},
            {"members", difference.members},
            {"why", difference.why},
            {"a", one(difference.a)},
            {"b", one(difference.b)},
            {"before", to_json(difference.before, names)},
            {"after_a", to_json(difference.after_a, names)},
            {"after_b", to_json(difference.after_b, names)}};
}

Json to_json(const JournalComparison& comparison, JournalNames& names) {
    Json headers = Json::object();
    for (const auto& [what, how] : comparison.header_differences)
        headers[what] = how;
    return {{"verdict", verdict_name(comparison.verdict)},
            {"a", to_json(comparison.a)},
            {"b", to_json(comparison.b)},
            {"headers", std::move(headers)},
            {"first", comparison.first ? to_json(*comparison.first, names) : Json()}};
}

void print_line(const char* mark, const KeptRecord& record, JournalNames& names) {
    const JournalRecord view = record.view();
    fmt::print("{} {:>10} {:>16} {:>18}  {}\n", mark, record.index, names.participant(view.participant),
               view.clock, describe(view));
    if (const auto place = names.places().find(view.address)) fmt::print("{:>51}{}\n", "", place->text());
}

void print_difference(const JournalDifference& difference, JournalNames& names) {
    fmt::print("\nFirst difference: record {}, in {}\n{}.\n\n", difference.index,
               fmt::join(difference.members, ", "), difference.why);
    fmt::print("  {:>10} {:>16} {:>18}  {}\n", "record", "participant", "clock", "what");
    for (const KeptRecord& record : difference.before)
        print_line(" ", record, names);
    if (difference.a) print_line("A", *difference.a, names);
    for (const KeptRecord& record : difference.after_a)
        print_line("a", record, names);
    if (difference.b) print_line("B", *difference.b, names);
    for (const KeptRecord& record : difference.after_b)
        print_line("b", record, names);
}

void print_text(const JournalComparison& comparison, JournalNames& names) {
    for (const auto& [letter, journal] : {std::pair{'A', &comparison.a}, std::pair{'B', &comparison.b}})
        fmt::print("{}: {}: {} records, {} bytes\n", letter, escaped(journal->name), journal->records,
                   journal->bytes);
    for (const auto& [what, how] : comparison.header_differences)
        fmt::print("Headers differ in {}: {}\n", what, escaped(how));
    if (comparison.first) return print_difference(*comparison.first, names);
    fmt::print("{}\n", comparison.identical() ? "Identical in all records."
                                              : "No difference up to where a journal can no longer be read.");
}

int complain(const JournalError& error, bool json) {
    if (json) fmt::print("{}\n", dump({{"error", command::to_json(error)}}));
    fmt::print(stderr, "escapement diff: {}\n", error.text());
    return 2;
}

}  // namespace

int diff_journals(const std::string& a, const std::string& b, std::size_t context, bool json) {
    JournalFile file_a;
    if (const auto error = open_journal(file_a, a)) return complain(*error, json);
    JournalFile file_b;
    if (const auto error = open_journal(file_b, b)) return complain(*error, json);
    const auto comparison = compare_journals(file_a, a, file_b, b, {.context = context});
    if (!comparison) return complain(comparison.error(), json);

    JournalNames names;
    if (comparison->first) {
        for (const auto& [participant, role] : comparison->first->roles)
            names.set_role(participant, role);
        for (const auto& [number, path] : comparison->first->modules)
            names.places().add_module(number, path);
    }
    if (json) {
        fmt::print("{}\n", dump(to_json(*comparison, names)));
    } else {
        print_text(*comparison, names);
    }
    if (!finish_output()) return 2;
    for (const JournalSummary* journal : {&comparison->a, &comparison->b}) {
        if (journal->trouble) fmt::print(stderr, "escapement diff: {}\n", journal->trouble->text());
    }
    return exit_status(comparison->verdict);
}

}  // namespace escapement::command
