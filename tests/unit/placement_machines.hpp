#pragma once
// Machines that this one is not, for tests of placement.

#include <hwloc.h>

#include <set>
#include <string>
#include <vector>

namespace machines {

struct Type {
    std::set<unsigned> cpus;
    int speed = -1;
    std::string name;
};

/// The synthetic machine `description` with core types; as XML, which is what has them. Only the NUMA nodes
/// in `nodes` may be used, or all.
inline std::string make(const std::string& description, const std::vector<Type>& types,
                        const std::set<unsigned>& nodes = {}) {
    hwloc_topology_t topology = nullptr;
    hwloc_topology_init(&topology);
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    std::string xml;
    if (hwloc_topology_set_synthetic(topology, description.c_str()) == 0 &&
        hwloc_topology_load(topology) == 0) {
        hwloc_bitmap_t set = hwloc_bitmap_alloc();
        for (const Type& type : types) {
            hwloc_bitmap_zero(set);
            for (const unsigned cpu : type.cpus)
                hwloc_bitmap_set(set, cpu);
            std::string key = "CoreType";
            std::string value = type.name;
            hwloc_info_s info{.name = key.data(), .value = value.data()};
            hwloc_cpukinds_register(topology, set, type.speed, value.empty() ? 0 : 1, &info, 0);
        }
        hwloc_bitmap_zero(set);
        for (const unsigned node : nodes)
            hwloc_bitmap_set(set, node);
        if (!nodes.empty()) hwloc_topology_allow(topology, nullptr, set, HWLOC_ALLOW_FLAG_CUSTOM);
        hwloc_bitmap_free(set);
        char* text = nullptr;
        int size = 0;
        if (hwloc_topology_export_xmlbuffer(topology, &text, &size, 0) == 0) {
            xml = text;
            hwloc_free_xmlbuffer(topology, text);
        }
    }
    hwloc_topology_destroy(topology);
    return xml;
}

/// "first-last", and more.
inline std::set<unsigned> range(unsigned first, unsigned last, std::set<unsigned> more = {}) {
    for (unsigned cpu = first; cpu <= last; ++cpu)
        more.insert(cpu);
    return more;
}

}  // namespace machines
