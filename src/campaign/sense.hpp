#pragma once
// What must hold between the fields of a plan. Each returns what is wrong, beginning with the key that it is
// in
// ("/replay: …") where it is one key's, or nothing.

#include "campaign/settings.hpp"

namespace escapement::campaign {

std::string nonsense(const Guest& guest);
std::string nonsense(const Setting& setting);
std::string nonsense(const Plan& plan);

}  // namespace escapement::campaign
