// A divergence from a journal, in a few lines.

#include <escapement/journal.hpp>

namespace escapement {

namespace {

void append(std::string& text, const char* label, const KeptRecord& kept) {
    const JournalRecord record = kept.view();
    text += "\n  ";
    text += label;
    text += "record " + std::to_string(kept.index) + ": participant " + std::to_string(record.participant) +
            " at clock " + std::to_string(record.clock) + ": " + describe(record);
}

const char* reason_text(JournalDivergence::Reason reason) noexcept {
    switch (reason) {
        case JournalDivergence::Reason::different:
            return "does something else than the journal says";
        case JournalDivergence::Reason::over:
            return "goes on where the journal is over";
        case JournalDivergence::Reason::cut:
            return "goes on where the journal cannot be read on";
        case JournalDivergence::Reason::far:
            break;
    }
    return "does what the journal does not have among its next records";
}

}  // namespace

std::string JournalDivergence::text() const {
    std::string text = "participant ";
    text += found ? std::to_string(found->record.participant) : std::string("?");
    text += " parts from the journal at record " + std::to_string(index) + ": it ";
    text += reason_text(reason);
    if (expected) append(text, "expected  ", *expected);
    if (found) append(text, "found     ", *found);
    for (const KeptRecord& record : before)
        append(text, "before    ", record);
    for (const KeptRecord& record : after)
        append(text, "to come   ", record);
    if (!trouble.empty()) text += "\n  " + trouble;
    return text;
}

}  // namespace escapement
