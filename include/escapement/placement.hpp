#pragma once
// Which CPUs a domain runs on.
//
// Contract. A serial domain runs one thread at a time: on one physical core it keeps its caches and hands its
// turn on without waking another core. `choose_serial` picks that core among the CPUs that the process may
// use (its affinity, which the cpuset already limits): the physical core whose first CPU has the highest
// number, since the lowest ones usually serve the host's interrupts. Sibling hardware threads of one core are
// one place, of which one CPU is used.
//
// Units: CPU numbers as the operating system counts them. Errors: a sentence that says what was asked for and
// what is allowed. Thread safety: everything here may be called from any thread. Source: hwloc 2.9,
// hwloc_topology_get_allowed_cpuset, HWLOC_OBJ_CORE.

#include <tl/expected.hpp>

#include <set>
#include <string>

namespace escapement {

/// A set of CPUs and, in words, why it was chosen.
struct Placement {
    std::set<unsigned> cpus;
    std::string reason;
};

/// The CPUs that the calling thread may use.
tl::expected<std::set<unsigned>, std::string> allowed_cpus();

/// One physical core of those in `allowed`. `synthetic` describes a machine in hwloc's words instead of this
/// one (tests).
tl::expected<Placement, std::string> choose_serial(const std::set<unsigned>& allowed,
                                                   const std::string& synthetic = {});

/// "0-3,8" to a set; every CPU must be in `allowed`.
tl::expected<Placement, std::string> parse_cpus(const std::string& text, const std::set<unsigned>& allowed);

/// "0-3,8".
std::string format_cpus(const std::set<unsigned>& cpus);

}  // namespace escapement
