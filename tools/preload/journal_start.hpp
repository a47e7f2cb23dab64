#pragma once
// The journal that this process writes or follows: its file, and what it is of.

#include "settings.hpp"

#include <escapement/journal.hpp>
#include <escapement/journal_file.hpp>

#include <optional>

namespace escapement::preload {

struct OpenJournal {
    char path[longest_journal_path];
    JournalFile file;
    std::optional<JournalWriter> writer;  ///< recording
    std::optional<JournalReader> reader;  ///< replaying
    std::optional<ReplayCursor> cursor;
    std::optional<ObjectNumbers> objects;
    std::uint32_t children = 0;  ///< forked so far
    bool child = false;          ///< the process was forked by another that has a journal
    bool unopened = false;       ///< a child's, before its first record: most become another program first
    bool failure_told = false;   ///< that it cannot be written any more
};

/// Opens a child's at last. What cannot be opened is not used.
void open_journal_of_child();

/// The one of this process. Only where it journals.
OpenJournal& open_journal();

}  // namespace escapement::preload
