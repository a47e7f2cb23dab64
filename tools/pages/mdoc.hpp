#pragma once
// Text as mdoc(7) has it.

#include <string>
#include <vector>

namespace escapement::pages {

/// Words for a text line or a macro's argument: nothing in them means anything to troff.
std::string escaped(const std::string& text);

/// Lines of at most 78 characters, each sentence on lines of its own.
std::string filled(const std::string& text);

/// A paragraph, filled; where lines begin with a space or are `literal`, as it stands.
std::string paragraph(const std::string& text, bool literal = false);

/// Adds what `paragraph` gave as a further one.
void add_paragraph(std::string& text, const std::string& more);

/// The page's beginning: `date` as in "November 25, 2026".
std::string page_head(const std::string& date, const std::string& title, int section);

}  // namespace escapement::pages
