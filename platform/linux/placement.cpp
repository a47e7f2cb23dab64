#include <escapement/placement.hpp>

#include <hwloc.h>
#include <sched.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace escapement {

namespace {

struct TopologyEnd {
    void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, TopologyEnd>;

tl::expected<Topology, std::string> load(const std::string& synthetic) {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) return tl::unexpected<std::string>("hwloc cannot begin");
    Topology topology(raw);
    if (!synthetic.empty() && hwloc_topology_set_synthetic(raw, synthetic.c_str()) != 0) {
        return tl::unexpected("hwloc does not understand the machine '" + synthetic + "'");
    }
    if (hwloc_topology_load(raw) != 0)
        return tl::unexpected<std::string>("hwloc cannot read this machine's topology");
    return topology;
}

std::string list_allowed(const std::set<unsigned>& allowed) {
    return "this process may use CPU" + std::string(allowed.size() == 1 ? " " : "s ") + format_cpus(allowed);
}

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

tl::expected<std::set<unsigned>, std::string> allowed_cpus() {
    // More CPUs than a cpu_set_t has: ask with larger and larger sets, as sched_getaffinity(2) advises.
    for (int count = CPU_SETSIZE; count <= 1 << 20; count *= 2) {
        cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(count));
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(count));
        if (sched_getaffinity(0, size, set) == 0) {
            std::set<unsigned> cpus;
            for (unsigned cpu = 0; cpu < static_cast<unsigned>(count); ++cpu) {
                if (CPU_ISSET_S(cpu, size, set)) cpus.insert(cpu);
            }
            CPU_FREE(set);
            return cpus;
        }
        CPU_FREE(set);
        if (errno != EINVAL) break;
    }
    return tl::unexpected(std::string("cannot read this process's affinity: ") + std::strerror(errno));
}

tl::expected<Placement, std::string> choose_serial(const std::set<unsigned>& allowed,
                                                   const std::string& synthetic) {
    const auto topology = load(synthetic);
    if (!topology) return tl::unexpected(topology.error());
    hwloc_topology* const machine = topology->get();
    const int cores = hwloc_get_nbobjs_by_type(machine, HWLOC_OBJ_CORE);
    std::optional<unsigned> best;
    unsigned usable = 0;
    for (int index = 0; index < cores; ++index) {
        const hwloc_obj_t core = hwloc_get_obj_by_type(machine, HWLOC_OBJ_CORE, static_cast<unsigned>(index));
        std::optional<unsigned> first;
        for (int cpu = hwloc_bitmap_first(core->cpuset); cpu >= 0;
             cpu = hwloc_bitmap_next(core->cpuset, cpu)) {
            if (!first && allowed.contains(static_cast<unsigned>(cpu))) first = static_cast<unsigned>(cpu);
        }
        if (!first) continue;
        ++usable;
        if (!best || *first > *best) best = first;
    }
    if (!best && !allowed.empty()) best = *allowed.rbegin();  // a machine whose cores hwloc cannot see
    if (!best) return tl::unexpected<std::string>("no CPU that this process may use is there");
    return Placement{.cpus = {*best},
                     .reason = "serial: one physical core of " + std::to_string(usable) + " usable; " +
                               list_allowed(allowed)};
}

tl::expected<Placement, std::string> parse_cpus(const std::string& text, const std::set<unsigned>& allowed) {
    Placement placement{.cpus = {}, .reason = "as asked"};
    const auto bad = [&] { return tl::unexpected("'" + text + "' is not a list of CPUs such as 0-3,8"); };
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view part = std::string_view(text).substr(at, comma - at);
        const std::size_t dash = part.find('-');
        const auto first = number(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
        if (!first || !last || *first > *last || *last > 1U << 20U) return bad();
        for (unsigned cpu = *first; cpu <= *last; ++cpu) {
            if (!allowed.contains(cpu)) {
                return tl::unexpected("CPU " + std::to_string(cpu) +
                                      " cannot be used: " + list_allowed(allowed));
            }
            placement.cpus.insert(cpu);
        }
        at = comma + 1;
    }
    return placement;
}

std::string format_cpus(const std::set<unsigned>& cpus) {
    std::string text;
    for (auto at = cpus.begin(); at != cpus.end();) {
        const unsigned first = *at;
        unsigned last = first;
        while (++at != cpus.end() && *at == last + 1)
            ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(first);
        if (last != first) text += '-' + std::to_string(last);
    }
    return text;
}

}  // namespace escapement
