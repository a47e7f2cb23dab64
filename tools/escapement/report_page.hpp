#pragma once
// A profile as a page: one HTML file that needs no network, no script and nothing beside it. The verdict
// comes first, in words; below it, why.

#include "report_html.hpp"

#include <escapement/profile.hpp>

#include <string>

namespace escapement::report {

std::string page_of(const Profile& profile);

// The page's parts, a file each.

/// The page's style sheet.
const char* style_rules();
/// A core type's verdict, the reasons for it, and what would make it better. `says_it`: in a sentence, too.
Html verdict_section(const CoreProfile& core, bool says_it);
/// What the host takes for signals, steps and the like.
Html cost_section(const CoreProfile& core);
/// All events of a core type in a table, a line each.
Html event_overview(const CoreProfile& core);
/// An event's charts and all its figures.
Html event_section(const CoreProfile& core, const EventFinding& event);

}  // namespace escapement::report
