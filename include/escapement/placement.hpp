#pragma once
// Which CPUs a domain runs on.
//
// Contract. A serial domain runs one thread at a time: on one physical core it keeps its caches and hands its
// turn on without waking another core. A parallel domain runs a thread on each of several physical cores that
// are as close to each other as can be. Both stay among the CPUs that the process may use (its affinity,
// which the cpuset already limits), and both obey, in this order:
//
//   1. Hardware threads of one core are one place, of which the first usable CPU is used, unless siblings
//      are asked for.
//   2. One core type: counters and speeds differ between types. The fastest type with enough usable cores;
//      if none has enough, the one that has most.
//   3. The closest place with enough of them: the smallest set of CPUs that share a core, a cache, a NUMA
//      node, a die, a package or the machine; if none has enough, the smallest of those that have most.
//   4. Among places that are equally close, for a serial domain one of those to which the fewest other
//      processes are bound, then one with memory of its own, then the one with the highest CPU numbers, since
//      the lowest ones usually serve the host's interrupts.
//
//     const auto placement = choose_parallel(4, *allowed_cpus());
//     // {12-15, "parallel: 4 physical cores of one L3 cache; this process may use CPUs 0-15"}
//
// Units: CPU numbers as the operating system counts them. Errors: a sentence that says what was asked for and
// what is allowed. Thread safety: everything here may be called from any thread. Sources: hwloc 2.9
// (HWLOC_OBJ_*, hwloc_cpukinds_get_info: a higher efficiency means greater performance);
// sched_getaffinity(2).

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace escapement {

/// A set of CPUs and, in words, why it was chosen and what was not possible.
struct Placement {
    std::set<unsigned> cpus;
    std::string reason;
};

/// Whether hardware threads of one core count as one place or as several.
enum class Siblings : std::uint8_t { apart, together };

/// The CPUs that the calling thread may use.
tl::expected<std::set<unsigned>, std::string> allowed_cpus();

/// The CPUs of each other process that may use but a few: those of one core at most are bound to it. `root`
/// is where /proc lies (tests). Processes that cannot be seen are left out, as are the kernel's threads.
/// Source: proc(5), /proc/pid/status.
std::vector<std::set<unsigned>> bound_processes(const std::string& root = "/");

/// One physical core of those in `allowed`. `machine` describes another machine than this one (tests): in
/// hwloc's words for synthetic ones, or as its XML. `bound`: bound_processes().
tl::expected<Placement, std::string> choose_serial(const std::set<unsigned>& allowed,
                                                   const std::string& machine = {},
                                                   const std::vector<std::set<unsigned>>& bound = {});

/// choose_serial() on this machine, and binds the calling process there, so that the next one sees it. Those
/// who name the same `lock_file`, any file that they can read, do so one after the other; who would wait for
/// more than half a second does not.
tl::expected<Placement, std::string> claim_serial(const std::set<unsigned>& allowed,
                                                  const std::string& lock_file);

/// A CPU for each of `participants` (at least 1), or fewer if there are not that many, which the reason says.
/// `machine` as above.
tl::expected<Placement, std::string> choose_parallel(unsigned participants, const std::set<unsigned>& allowed,
                                                     Siblings siblings = Siblings::apart,
                                                     const std::string& machine = {});

/// "0-3,8" to a set; none if it is no such list.
std::optional<std::set<unsigned>> read_cpus(const std::string& text);

/// The same of what a user asks for; every CPU must be in `allowed`.
tl::expected<Placement, std::string> parse_cpus(const std::string& text, const std::set<unsigned>& allowed);

/// "0-3,8".
std::string format_cpus(const std::set<unsigned>& cpus);

/// "this process may use CPUs 0-3,8".
std::string describe_allowed(const std::set<unsigned>& allowed);

}  // namespace escapement
