// Walks two journals block by block while they are the same, then record by record.

#include "divergence/journal_cause.hpp"

#include <escapement/journal_divergence.hpp>

#include <algorithm>
#include <deque>

namespace escapement {

namespace {

constexpr std::size_t largest_context = 64;
constexpr std::size_t checksum_size = 8;  ///< at a block's end: it depends on all that came before

bool same_block(const JournalBlock& a, const JournalBlock& b) noexcept {
    // What the header says is in the bytes.
    return a.stored.size() == b.stored.size() && a.stored.size() > checksum_size &&
           std::equal(a.stored.begin(), a.stored.end() - checksum_size, b.stored.begin());
}

bool same_record(const JournalRecord& a, const JournalRecord& b) noexcept {
    return a.kind == b.kind && a.operation == b.operation && a.participant == b.participant &&
           a.object == b.object && a.clock == b.clock && a.result == b.result && a.address == b.address &&
           a.value == b.value && std::ranges::equal(a.bytes, b.bytes);
}

void compare_headers(const JournalHeader& a, const JournalHeader& b, JournalComparison& result) {
    const auto text = [&](const char* what, std::string_view one, std::string_view other) {
        if (one != other)
            result.header_differences.emplace_back(
                what, "\"" + std::string(one) + "\" and \"" + std::string(other) + "\"");
    };
    const auto number = [&](const char* what, std::uint64_t one, std::uint64_t other) {
        if (one != other)
            result.header_differences.emplace_back(what,
                                                   std::to_string(one) + " and " + std::to_string(other));
    };
    text("policy", a.policy, b.policy);
    number("quantum", a.quantum, b.quantum);
    text("clock source", a.clock_source, b.clock_source);
    text("event", a.event, b.event);
    text("host", a.fingerprint, b.fingerprint);
    text("command line", a.command_line, b.command_line);
    number("flags", a.flags, b.flags);
}

JournalSummary summary_of(std::string name, const JournalReader& reader) {
    return {.name = std::move(name),
            .bytes = reader.bytes(),
            .raw_bytes = reader.raw_bytes(),
            .records = reader.records(),
            .trouble = reader.trouble()};
}

/// What was told before record number `end`: read from the beginning once more.
void tell_before(JournalSource& source, std::uint64_t end, std::size_t context,
                 JournalDifference& difference) {
    if (!source.rewind()) return;
    auto reader = JournalReader::open(source, "");
    if (!reader) return;
    std::deque<KeptRecord> last;
    while (reader->records() < end) {
        const JournalRecord* const record = reader->next();
        if (record == nullptr) break;
        const std::string_view text(reinterpret_cast<const char*>(record->bytes.data()),
                                    record->bytes.size());
        if (record->kind == JournalRecordKind::role) difference.roles[record->participant] = text;
        if (record->kind == JournalRecordKind::module) difference.modules[record->object] = text;
        if (context == 0 || reader->index() + context < end) continue;
        last.emplace_back(*record, reader->index());
    }
    difference.before.assign(last.begin(), last.end());
}

void read_on(JournalReader& reader, std::size_t count, std::vector<KeptRecord>& to) {
    JournalRecord record;
    while (to.size() < count && reader.next(record))
        to.emplace_back(record, reader.index());
}

void read_to_the_end(JournalReader& reader) {
    while (reader.next_block()) {
    }
}

/// Steps both on until they differ. True if they do; false if one or both are over.
bool find_difference(JournalReader& a, JournalReader& b, JournalRecord& record_a, JournalRecord& record_b,
                     bool& a_has, bool& b_has) {
    while (true) {
        // Blocks begin together as long as they were written alike.
        do {
            a_has = a.next_block();
            b_has = b.next_block();
        } while (a_has && b_has && same_block(a.block(), b.block()));
        if (!a_has && !b_has) return false;
        // From here on record by record: blocks may end at different places, and never meet again.
        while (true) {
            a_has = a.next(record_a);
            b_has = b.next(record_b);
            if (!a_has || !b_has) return false;
            if (!same_record(record_a, record_b)) return true;
        }
    }
}

}  // namespace

tl::expected<JournalComparison, JournalError> compare_journals(JournalSource& a, std::string a_name,
                                                               JournalSource& b, std::string b_name,
                                                               const JournalCompareOptions& options) {
    auto reader_a = JournalReader::open(a, a_name);
    if (!reader_a) return tl::make_unexpected(std::move(reader_a.error()));
    auto reader_b = JournalReader::open(b, b_name);
    if (!reader_b) return tl::make_unexpected(std::move(reader_b.error()));
    JournalComparison result;
    compare_headers(reader_a->header(), reader_b->header(), result);

    const std::size_t context = std::min(options.context, largest_context);
    JournalRecord record_a;
    JournalRecord record_b;
    bool a_has = false;
    bool b_has = false;
    const bool differ = find_difference(*reader_a, *reader_b, record_a, record_b, a_has, b_has);
    if (differ) {
        JournalDifference& first = result.first.emplace();
        first.index = reader_a->index();
        first.a = KeptRecord(record_a, first.index);
        first.b = KeptRecord(record_b, first.index);
        divergence::explain(record_a, record_b, first);
        read_on(*reader_a, context, first.after_a);
        read_on(*reader_b, context, first.after_b);
    }
    read_to_the_end(*reader_a);
    read_to_the_end(*reader_b);
    result.a = summary_of(std::move(a_name), *reader_a);
    result.b = summary_of(std::move(b_name), *reader_b);
    if (result.first) {
        result.verdict = JournalComparison::Verdict::different;
        tell_before(a, result.first->index, context, *result.first);
    } else if (!result.a.trouble && !result.b.trouble) {
        // The end is a record, and there is one in each.
        result.verdict = JournalComparison::Verdict::identical;
    }
    return result;
}

}  // namespace escapement
