#pragma once
// Which hypervisor this runs under: arm64 has no instruction that tells.

#include <string>

namespace escapement {

inline std::string hypervisor_signature() {
    return {};
}

}  // namespace escapement
