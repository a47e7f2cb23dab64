#include "topology.hpp"

#include <hwloc.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

namespace escapement {

namespace {

struct TopologyEnd {
    void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Handle = std::unique_ptr<hwloc_topology, TopologyEnd>;

tl::expected<Handle, std::string> load(const std::string& machine) {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) return tl::unexpected<std::string>("hwloc cannot begin");
    Handle topology(raw);
    if (machine.starts_with('<')) {
        if (hwloc_topology_set_xmlbuffer(raw, machine.c_str(), static_cast<int>(machine.size() + 1)) != 0)
            return tl::unexpected<std::string>("hwloc does not understand the machine's XML");
    } else if (!machine.empty() && hwloc_topology_set_synthetic(raw, machine.c_str()) != 0) {
        return tl::unexpected("hwloc does not understand the machine '" + machine + "'");
    }
    if (hwloc_topology_load(raw) != 0)
        return tl::unexpected<std::string>("hwloc cannot read this machine's topology");
    return topology;
}

/// What CPUs can share, the closest first; where several things are shared by the same CPUs, the first names
/// them.
std::optional<unsigned> closeness(hwloc_obj_type_t type) {
    static constexpr hwloc_obj_type_t order[] = {
        HWLOC_OBJ_PU,      HWLOC_OBJ_CORE,    HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
        HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE, HWLOC_OBJ_NUMANODE,
        HWLOC_OBJ_DIE,     HWLOC_OBJ_PACKAGE, HWLOC_OBJ_GROUP,   HWLOC_OBJ_MACHINE,
    };
    const auto* const at = std::find(std::begin(order), std::end(order), type);
    if (at == std::end(order)) return std::nullopt;
    return static_cast<unsigned>(at - std::begin(order));
}

std::string name_of(hwloc_obj_type_t type) {
    switch (type) {
        case HWLOC_OBJ_PU:
            return "CPU";
        case HWLOC_OBJ_CORE:
            return "core";
        case HWLOC_OBJ_NUMANODE:
            return "NUMA node";
        case HWLOC_OBJ_DIE:
            return "die";
        case HWLOC_OBJ_PACKAGE:
            return "package";
        case HWLOC_OBJ_GROUP:
            return "group of packages or cores";
        case HWLOC_OBJ_MACHINE:
            return "machine";
        default:  // L1Cache and so on
            return std::string(hwloc_obj_type_string(type)).substr(0, 2) + " cache";
    }
}

/// Every object that has CPUs, of whatever depth: groups have several, and NUMA nodes one of their own.
std::vector<hwloc_obj_t> shared_things(hwloc_topology* topology) {
    std::vector<int> depths{HWLOC_TYPE_DEPTH_NUMANODE};
    for (int depth = 0; depth < hwloc_topology_get_depth(topology); ++depth)
        depths.push_back(depth);
    std::vector<hwloc_obj_t> found;
    for (const int depth : depths) {
        for (hwloc_obj_t each = nullptr; (each = hwloc_get_next_obj_by_depth(topology, depth, each));) {
            if (closeness(each->type) && !hwloc_bitmap_iszero(each->cpuset)) found.push_back(each);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](hwloc_obj_t a, hwloc_obj_t b) {
        const int size_a = hwloc_bitmap_weight(a->cpuset);
        const int size_b = hwloc_bitmap_weight(b->cpuset);
        return size_a != size_b ? size_a < size_b : closeness(a->type) < closeness(b->type);
    });
    return found;
}

void read_types(hwloc_topology* topology, Topology& result) {
    const int count = hwloc_cpukinds_get_nr(topology, 0);
    for (int index = 0; index < count; ++index) {
        CoreType type;
        unsigned infos = 0;
        hwloc_info_s* info = nullptr;
        if (hwloc_cpukinds_get_info(topology, static_cast<unsigned>(index), nullptr, &type.speed, &infos,
                                    &info, 0) == 0) {
            for (unsigned each = 0; each < infos; ++each) {
                if (std::strcmp(info[each].name, "CoreType") == 0) type.name = info[each].value;
            }
        }
        result.types.push_back(type);
    }
}

void read_cpus(hwloc_topology* topology, Topology& result) {
    for (hwloc_obj_t each = nullptr; (each = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, each));) {
        // Where hwloc sees no cores, every CPU is one.
        const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, each);
        Cpu cpu{.number = each->os_index,
                .core = core != nullptr ? core->logical_index : result.cpus.size(),
                .type = hwloc_cpukinds_get_by_cpuset(topology, each->cpuset, 0)};
        for (hwloc_obj_t node = nullptr;
             cpu.node < 0 && (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));) {
            if (hwloc_bitmap_isincluded(each->cpuset, node->cpuset) != 0)
                cpu.node = static_cast<int>(node->os_index);
        }
        result.cpus.push_back(cpu);
    }
}

bool has_memory(hwloc_topology* topology, hwloc_obj_t thing) {
    for (hwloc_obj_t node = nullptr;
         (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));) {
        if (hwloc_bitmap_isset(thing->nodeset, node->os_index) != 0 && node->attr->numanode.local_memory > 0)
            return true;
    }
    return false;
}

void read_neighbourhoods(hwloc_topology* topology, Topology& result) {
    std::map<unsigned, std::size_t> index_of;
    for (std::size_t index = 0; index < result.cpus.size(); ++index)
        index_of[result.cpus[index].number] = index;
    for (const hwloc_obj_t thing : shared_things(topology)) {
        Neighbourhood found{
            .name = name_of(thing->type), .cpus = {}, .has_memory = has_memory(topology, thing)};
        for (int cpu = hwloc_bitmap_first(thing->cpuset); cpu >= 0;
             cpu = hwloc_bitmap_next(thing->cpuset, cpu)) {
            if (const auto at = index_of.find(static_cast<unsigned>(cpu)); at != index_of.end())
                found.cpus.push_back(at->second);
        }
        std::sort(found.cpus.begin(), found.cpus.end());
        const auto same = [&found](const Neighbourhood& other) { return other.cpus == found.cpus; };
        if (std::none_of(result.neighbourhoods.begin(), result.neighbourhoods.end(), same))
            result.neighbourhoods.push_back(std::move(found));
    }
}

}  // namespace

tl::expected<Topology, std::string> read_topology(const std::string& machine) {
    const auto topology = load(machine);
    if (!topology) return tl::unexpected(topology.error());
    Topology result;
    read_types(topology->get(), result);
    read_cpus(topology->get(), result);
    read_neighbourhoods(topology->get(), result);
    return result;
}

}  // namespace escapement
