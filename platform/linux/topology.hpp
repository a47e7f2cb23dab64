#pragma once
// A machine's CPUs and what they share, in plain words: what hwloc knows, as far as placement needs it.
//
// Errors: a sentence. Thread safety: any thread. Source: hwloc 2.9.

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace escapement {

/// A hardware thread.
struct Cpu {
    unsigned number = 0;   ///< the operating system's, which need not follow the machine's order
    std::size_t core = 0;  ///< equal for hardware threads of one physical core
    int type = -1;         ///< index into Topology::types; -1 if unknown
    int node = -1;         ///< its first NUMA node; -1 if none
};

/// A type of cores (hybrid machines have several).
struct CoreType {
    int speed = -1;    ///< higher is faster; -1 if unknown
    std::string name;  ///< empty if it has none
};

/// CPUs that share something.
struct Neighbourhood {
    std::string name;               ///< "L3 cache", "package"; the closest thing that exactly these share
    std::vector<std::size_t> cpus;  ///< indexes into Topology::cpus, ascending
    bool has_memory = false;        ///< some NUMA node's memory is local to them
};

struct Topology {
    std::vector<Cpu> cpus;  ///< in the machine's order: neighbours share more than strangers do
    std::vector<CoreType> types;
    std::vector<Neighbourhood> neighbourhoods;  ///< those of fewest CPUs first; the last is the machine
};

/// This machine, or the one that `machine` describes (synthetic or XML) unless it is empty.
tl::expected<Topology, std::string> read_topology(const std::string& machine);

}  // namespace escapement
