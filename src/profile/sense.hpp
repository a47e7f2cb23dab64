#pragma once
// What must hold between the fields of a profile's objects, whoever wrote it. Each returns what is wrong, in
// a clause, or nothing.

#include <escapement/profile.hpp>

#include <bit>

namespace escapement::profile {

/// Where in SkidFinding::histogram a skid is counted.
inline std::size_t bucket(Count skid) {
    return static_cast<std::size_t>(std::bit_width(skid));
}

std::string nonsense(const Figure& figure);
std::string nonsense(const Fingerprint& host);
std::string nonsense(const CodeFinding& finding);
std::string nonsense(const OvercountFinding& finding);
std::string nonsense(const SkidFinding& finding);
std::string nonsense(const LoadFinding& finding);
std::string nonsense(const EventCode& code);
std::string nonsense(const Event& event);
std::string nonsense(const EventFinding& finding);
std::string nonsense(const HostCosts& costs);
std::string nonsense(const Verdict& verdict);
std::string nonsense(const CoreProfile& core);
std::string nonsense(const Profile& profile);

}  // namespace escapement::profile
