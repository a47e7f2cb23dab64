// Sets of CPUs: which are allowed, and how people write them.

#include <escapement/placement.hpp>

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace escapement {

namespace {

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

std::optional<std::set<unsigned>> read_cpus(const std::string& text) {
    std::set<unsigned> cpus;
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view part = std::string_view(text).substr(at, comma - at);
        const std::size_t dash = part.find('-');
        const auto first = number(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
        if (!first || !last || *first > *last || *last > 1U << 20U) return std::nullopt;
        for (unsigned cpu = *first; cpu <= *last; ++cpu)
            cpus.insert(cpus.end(), cpu);
        at = comma + 1;
    }
    return cpus;
}

tl::expected<Placement, std::string> parse_cpus(const std::string& text, const std::set<unsigned>& allowed) {
    const auto cpus = read_cpus(text);
    if (!cpus) return tl::unexpected("'" + text + "' is not a list of CPUs such as 0-3,8");
    for (const unsigned cpu : *cpus) {
        if (!allowed.contains(cpu)) {
            return tl::unexpected("CPU " + std::to_string(cpu) +
                                  " cannot be used: " + describe_allowed(allowed));
        }
    }
    return Placement{.cpus = *cpus, .reason = "as asked; " + describe_allowed(allowed)};
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

std::string describe_allowed(const std::set<unsigned>& allowed) {
    return "this process may use CPU" + std::string(allowed.size() == 1 ? " " : "s ") + format_cpus(allowed);
}

}  // namespace escapement
