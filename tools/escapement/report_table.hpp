#pragma once
// A profile as a compact text for the terminal.

#include <escapement/profile.hpp>

#include <string>

namespace escapement::report {

/// The verdict of each core type, then a line for each event, each alarm and each cost. Ends in a newline.
std::string table_of(const Profile& profile);

}  // namespace escapement::report
