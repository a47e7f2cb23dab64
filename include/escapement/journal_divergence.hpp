#pragma once
// Where two journals of the same program first differ, and what the two sides did before.
//
//     JournalFile a, b;                                              // opened
//     auto compared = compare_journals(a, "1.journal", b, "2.journal");
//     if (!compared) return complain(compared.error().text());
//     if (compared->first) fmt::print("record {}: {}\n", compared->first->index, compared->first->why);
//
// Promise: memory does not grow with the journals. Blocks that are the same are compared as they lie in the
// file, and not decoded. Verdict::identical: the records are the same, all of them; the headers may tell of
// different hosts, see header_differences.
//
// Errors: only if one of the two cannot be opened as a journal; what cannot be read to its end has
// JournalSummary::trouble. Thread safety: a call uses its two sources and nothing else.

#include <escapement/journal.hpp>

#include <tl/expected.hpp>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace escapement {

/// What is in a journal, as far as it was read.
struct JournalSummary {
    std::string name;
    std::uint64_t bytes = 0;      ///< of the file, in whole blocks
    std::uint64_t raw_bytes = 0;  ///< the same, decompressed
    std::uint64_t records = 0;
    std::optional<JournalError> trouble;
};

struct JournalDifference {
    std::uint64_t index = 0;      ///< number of the record, the same in both
    std::optional<KeptRecord> a;  ///< nothing: that journal cannot be read on
    std::optional<KeptRecord> b;
    std::vector<std::string> members;  ///< in which the two differ: "participant", "clock", …
    std::string why;                   ///< what that means, in a sentence
    std::vector<KeptRecord> before;    ///< what both did before, oldest first; the clocks are those of both
    std::vector<KeptRecord> after_a;   ///< what each did after
    std::vector<KeptRecord> after_b;
    /// As told before the difference, by both: participants' names, and the files that addresses are in.
    std::map<ParticipantNumber, std::string> roles;
    std::map<std::uint32_t, std::string> modules;
};

struct JournalComparison {
    enum class Verdict : std::uint8_t {
        identical,
        different,
        unknown,  ///< no difference up to where one of the journals can no longer be read
    };

    Verdict verdict = Verdict::unknown;
    JournalSummary a;
    JournalSummary b;
    std::optional<JournalDifference> first;
    /// Of the headers: what differs, and how: ("quantum", "1000 and 2000").
    std::vector<std::pair<std::string, std::string>> header_differences;

    [[nodiscard]] bool identical() const noexcept { return verdict == Verdict::identical; }
};

struct JournalCompareOptions {
    std::size_t context = 6;  ///< records shown before and after a difference (at most 64)
};

/// Compares two journals, each standing at its beginning; `a` is read a second time, up to the difference,
/// if it can be rewound: otherwise what came before is not told.
[[nodiscard]] tl::expected<JournalComparison, JournalError> compare_journals(
    JournalSource& a, std::string a_name, JournalSource& b, std::string b_name,
    const JournalCompareOptions& options = {});

}  // namespace escapement
