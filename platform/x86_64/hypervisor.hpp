#pragma once
// Which hypervisor this runs under. Source: CPUID leaf 1 (ecx bit 31) and leaf 0x40000000, by agreement of
// hypervisors (https://lwn.net/Articles/301888/).

#include <cpuid.h>

#include <cstring>
#include <string>

namespace escapement {

/// Its signature, such as KVMKVMKVM; empty on bare metal.
inline std::string hypervisor_signature() {
    unsigned a = 0;
    unsigned words[3] = {};
    unsigned features = 0;
    if (__get_cpuid(1, &a, &words[0], &features, &words[2]) == 0 || (features >> 31U) == 0) return {};
    __cpuid(0x40000000, a, words[0], words[1], words[2]);
    char signature[sizeof words + 1] = {};
    std::memcpy(signature, words, sizeof words);
    return signature;
}

}  // namespace escapement
