#include "divergence/journal_cause.hpp"

#include <algorithm>

namespace escapement::divergence {

namespace {

const char* meaning_of(const JournalRecord& a, const JournalRecord& b) noexcept {
    if (a.kind == JournalRecordKind::end || b.kind == JournalRecordKind::end)
        return "one of the two ended, and the other went on";
    if (a.kind == JournalRecordKind::signal || b.kind == JournalRecordKind::signal)
        return "a signal came to one of the two and not to the other, or another one: what comes from "
               "outside is "
               "recorded, and the same only in a replay";
    if (a.participant != b.participant)
        return "another participant came first: the order differs, or what came from outside before it";
    if (a.kind == JournalRecordKind::input || b.kind == JournalRecordKind::input)
        return "something else came from outside: input is recorded, and the same only in a replay";
    if (a.kind == JournalRecordKind::incident || b.kind == JournalRecordKind::incident)
        return "one of the two was marked not reproducible here";
    if (a.kind == JournalRecordKind::random_seed || b.kind == JournalRecordKind::random_seed)
        return "the seeds of random numbers differ";
    if (a.kind != b.kind || a.operation != b.operation)
        return "the participant itself did something else: it read memory that others write without ordered "
               "operations, or something that is not virtual";
    if (a.object != b.object) return "the participant did the same to another object";
    if (a.clock != b.clock)
        return "the participant did the same at another clock: its count source is not exact, or it took "
               "another "
               "way through its code";
    if (a.result != b.result) return "the same operation came to another result";
    return "the same operation, with other particulars";
}

}  // namespace

void explain(const JournalRecord& a, const JournalRecord& b, JournalDifference& difference) {
    const auto differs = [&](bool yes, const char* member) {
        if (yes) difference.members.emplace_back(member);
    };
    differs(a.kind != b.kind, "kind");
    differs(a.participant != b.participant, "participant");
    differs(a.operation != b.operation, "operation");
    differs(a.object != b.object, "object");
    differs(a.clock != b.clock, "clock");
    differs(a.result != b.result, "result");
    differs(a.address != b.address, "address");
    differs(a.value != b.value, "value");
    differs(!std::ranges::equal(a.bytes, b.bytes), "bytes");
    difference.why = meaning_of(a, b);
}

}  // namespace escapement::divergence
