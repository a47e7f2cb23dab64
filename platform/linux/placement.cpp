// The choice itself; which machine it is about comes from topology.hpp.

#include "topology.hpp"

#include <escapement/placement.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>

namespace escapement {

namespace {

/// CPUs that a participant may have, by their index in the topology; ascending, so neighbours are side by
/// side.
using Places = std::vector<std::size_t>;

std::string counted(std::size_t number, const std::string& thing) {
    return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

Places usable_places(const Topology& topology, const std::set<unsigned>& allowed, Siblings siblings) {
    Places places;
    // The lowest number of a core's, whatever the order in which hwloc has its threads.
    std::map<std::size_t, unsigned> first;
    for (const Cpu& cpu : topology.cpus) {
        if (!allowed.contains(cpu.number)) continue;
        const auto [at, fresh] = first.emplace(cpu.core, cpu.number);
        if (!fresh) at->second = std::min(at->second, cpu.number);
    }
    for (std::size_t index = 0; index < topology.cpus.size(); ++index) {
        const Cpu& cpu = topology.cpus[index];
        if (!allowed.contains(cpu.number)) continue;
        if (siblings == Siblings::together || first[cpu.core] == cpu.number) places.push_back(index);
    }
    return places;
}

/// The places of one core type, and why that one.
struct OneType {
    Places places;
    std::string reason;  ///< empty where there is but one
};

OneType choose_type(const Topology& topology, const Places& places, std::size_t wanted) {
    std::map<int, Places> by_type;
    for (const std::size_t place : places)
        by_type[topology.cpus[place].type].push_back(place);
    const auto speed = [&topology](int type) {
        return type < 0 ? -1 : topology.types[static_cast<std::size_t>(type)].speed;
    };
    const auto merit = [&](const auto& entry) {
        return std::tuple(std::min(entry.second.size(), wanted), speed(entry.first), entry.second.size());
    };
    auto best = by_type.begin();
    auto fastest = by_type.begin();
    for (auto each = by_type.begin(); each != by_type.end(); ++each) {
        if (merit(*each) >= merit(*best)) best = each;
        if (speed(each->first) > speed(fastest->first)) fastest = each;
    }
    OneType result{.places = best->second, .reason = {}};
    if (by_type.size() == 1) return result;
    const std::string name =
        best->first < 0 ? "" : topology.types[static_cast<std::size_t>(best->first)].name;
    const std::string named = name.empty() ? "" : " (" + name + ")";
    if (speed(fastest->first) < 0) {
        result.reason = " of one core type" + named + ", which of them is faster is not known";
    } else if (best == fastest) {
        result.reason = " of the fastest core type" + named;
    } else {
        result.reason = " of a slower core type" + named + ", since the fastest has only " +
                        std::to_string(fastest->second.size()) + " usable";
    }
    return result;
}

/// Of `places` that lie side by side, as many as wanted, those that keep farthest from the lowest CPU
/// numbers.
Places choose_side_by_side(const Topology& topology, const Places& places, std::size_t wanted) {
    if (places.size() <= wanted) return places;
    const auto lowest = [&](std::size_t begin) {
        unsigned result = topology.cpus[places[begin]].number;
        for (std::size_t each = begin; each < begin + wanted; ++each)
            result = std::min(result, topology.cpus[places[each]].number);
        return result;
    };
    std::size_t best = 0;
    for (std::size_t begin = 1; begin + wanted <= places.size(); ++begin) {
        if (lowest(begin) >= lowest(best)) best = begin;
    }
    const auto from = places.begin() + static_cast<std::ptrdiff_t>(best);
    return {from, from + static_cast<std::ptrdiff_t>(wanted)};
}

struct Choice {
    Places places;
    const Neighbourhood* shared = nullptr;
    const Neighbourhood* closer = nullptr;  ///< the best of what would have been closer, but has too few
    std::size_t closer_places = 0;
};

Choice choose_closest(const Topology& topology, const Places& places, std::size_t wanted) {
    using Merit = std::tuple<std::size_t, std::ptrdiff_t, bool, unsigned>;
    std::optional<Merit> best;
    Choice choice;
    std::vector<std::pair<const Neighbourhood*, std::size_t>> counts;
    for (const Neighbourhood& each : topology.neighbourhoods) {
        Places inside;
        std::set_intersection(each.cpus.begin(), each.cpus.end(), places.begin(), places.end(),
                              std::back_inserter(inside));
        if (inside.empty()) continue;
        counts.emplace_back(&each, inside.size());
        const Places chosen = choose_side_by_side(topology, inside, wanted);
        unsigned lowest = topology.cpus[chosen.front()].number;
        for (const std::size_t place : chosen)
            lowest = std::min(lowest, topology.cpus[place].number);
        const Merit merit(chosen.size(), -static_cast<std::ptrdiff_t>(each.cpus.size()), each.has_memory,
                          lowest);
        if (best && merit <= *best) continue;
        best = merit;
        choice.places = chosen;
        choice.shared = &each;
    }
    if (choice.shared == nullptr) return choice;  // without places; the machine has all of them otherwise
    for (const auto& [each, count] : counts) {
        if (each->cpus.size() < choice.shared->cpus.size() && count < choice.places.size() && count > 1 &&
            count >= choice.closer_places) {
            choice.closer = each;
            choice.closer_places = count;
        }
    }
    return choice;
}

std::string describe_sharing(const Topology& topology, const Choice& choice) {
    if (choice.places.size() < 2) return "";
    std::string text = " of one " + choice.shared->name;
    if (choice.closer != nullptr) {
        text += " (no " + choice.closer->name + " has more than " + std::to_string(choice.closer_places) +
                " usable)";
    }
    std::set<int> nodes;
    for (const std::size_t place : choice.places)
        nodes.insert(topology.cpus[place].node);
    if (nodes.size() > 1) {
        text += ", in " + std::to_string(nodes.size()) + " NUMA nodes: some of their memory is another's";
    }
    return text;
}

std::set<unsigned> numbers(const Topology& topology, const Places& places) {
    std::set<unsigned> result;
    for (const std::size_t place : places)
        result.insert(topology.cpus[place].number);
    return result;
}

tl::unexpected<std::string> no_cpu(const std::set<unsigned>& allowed) {
    return tl::unexpected("no CPU that this process may use is there; " + describe_allowed(allowed));
}

/// Those of `places` to whose core the fewest processes are bound.
Places least_bound(const Topology& topology, const Places& places,
                   const std::vector<std::set<unsigned>>& bound) {
    std::map<unsigned, std::size_t> core_of;
    for (const Cpu& cpu : topology.cpus)
        core_of[cpu.number] = cpu.core;
    std::map<std::size_t, std::size_t> processes;  // of each core
    for (const std::set<unsigned>& cpus : bound) {
        std::set<std::size_t> cores;
        for (const unsigned cpu : cpus)
            if (const auto core = core_of.find(cpu); core != core_of.end()) cores.insert(core->second);
        if (cores.size() == 1) ++processes[*cores.begin()];
    }
    std::map<std::size_t, Places> by_processes;
    for (const std::size_t place : places)
        by_processes[processes[topology.cpus[place].core]].push_back(place);
    return by_processes.begin()->second;
}

}  // namespace

tl::expected<Placement, std::string> choose_serial(const std::set<unsigned>& allowed,
                                                   const std::string& machine,
                                                   const std::vector<std::set<unsigned>>& bound) {
    const auto topology = read_topology(machine);
    if (!topology) return tl::unexpected(topology.error());
    const Places places = usable_places(*topology, allowed, Siblings::apart);
    if (places.empty()) return no_cpu(allowed);
    const OneType type = choose_type(*topology, places, 1);
    const Places free = least_bound(*topology, type.places, bound);
    const Choice choice = choose_closest(*topology, free, 1);
    std::string reason =
        "serial: one physical core of " + std::to_string(type.places.size()) + " usable" + type.reason;
    if (const std::size_t taken = type.places.size() - free.size(); taken != 0)
        reason += ", " + std::to_string(taken) + " left to processes that are bound there";
    return Placement{.cpus = numbers(*topology, choice.places),
                     .reason = reason + "; " + describe_allowed(allowed)};
}

tl::expected<Placement, std::string> choose_parallel(unsigned participants, const std::set<unsigned>& allowed,
                                                     Siblings siblings, const std::string& machine) {
    if (participants == 0) return tl::unexpected<std::string>("a domain has at least one participant");
    const auto topology = read_topology(machine);
    if (!topology) return tl::unexpected(topology.error());
    const Places places = usable_places(*topology, allowed, siblings);
    if (places.empty()) return no_cpu(allowed);
    const OneType type = choose_type(*topology, places, participants);
    const Choice choice = choose_closest(*topology, type.places, participants);
    const std::string thing = siblings == Siblings::apart ? "physical core" : "hardware thread";
    std::string reason = "parallel: " + counted(choice.places.size(), thing);
    if (choice.places.size() < participants) {
        const std::size_t threads = usable_places(*topology, allowed, Siblings::together).size();
        reason += " for " + std::to_string(participants) + " participants (no more are usable" +
                  (places.size() > type.places.size() ? " of one core type"
                   : threads > places.size()          ? " without siblings"
                                                      : "") +
                  ")";
    }
    reason += type.reason + describe_sharing(*topology, choice) + "; " + describe_allowed(allowed);
    return Placement{.cpus = numbers(*topology, choice.places), .reason = reason};
}

}  // namespace escapement
