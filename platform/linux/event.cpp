#include <escapement/host_facts.hpp>
#include <escapement/placement.hpp>

#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>
#include <sched.h>

#include <charconv>
#include <cstdlib>
#include <mutex>

namespace escapement {

namespace {

unsigned current_cpu() {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : static_cast<unsigned>(cpu);
}

/// In C's notation, the whole of `text`.
std::optional<std::uint64_t> number_of(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.front() == '0') {
        base = 8;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return number;
}

bool is_raw(std::string_view name) {
    return name.size() > 1 && name.front() == 'r' &&
           name.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
}

tl::expected<EventCode, std::string> raw_code(const std::string& name) {
    EventCode code{.type = PERF_TYPE_RAW};
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + 1, end, code.config, 16);
    if (error != std::errc{} || stop != end) return tl::unexpected(name + " is a code of more than 64 bits");
    return code;
}

tl::expected<EventCode, std::string> numbered_code(const std::string& name) {
    std::uint64_t parts[3] = {};
    std::size_t count = 0;
    for (std::size_t at = 0; at <= name.size(); ++count) {
        const std::size_t colon = std::min(name.find(':', at), name.size());
        const auto number =
            count < 3 ? number_of(std::string_view(name).substr(at, colon - at)) : std::nullopt;
        if (!number || (count == 0 && *number > UINT32_MAX)) {
            return tl::unexpected(
                "'" + name +
                "' is no event: a code is TYPE:CONFIG or TYPE:CONFIG:CONFIG1 with numbers as in "
                "C, such as 4:0x08");
        }
        parts[count] = *number;
        at = colon + 1;
    }
    if (count < 2) return tl::unexpected("'" + name + "' is no event: a code needs a type, such as 4:0x08");
    return EventCode{.type = static_cast<std::uint32_t>(parts[0]), .config = parts[1], .config1 = parts[2]};
}

bool initialise() {
    static std::once_flag once;
    static bool ready = false;
    std::call_once(once, [] { ready = pfm_initialize() == PFM_SUCCESS; });
    return ready;
}

/// libpfm4's lookup writes to tables of its own.
std::mutex& lookup_lock() {
    static std::mutex lock;
    return lock;
}

tl::expected<Event, int> look_up(const std::string& name) {
    const std::scoped_lock guard(lookup_lock());
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    char* full = nullptr;
    pfm_perf_encode_arg_t encoding{};
    encoding.size = sizeof encoding;
    encoding.attr = &attributes;
    encoding.fstr = &full;
    const int result = pfm_get_os_event_encoding(name.c_str(), PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &encoding);
    // libpfm4 writes out how each setting stands; who asked for none needs the event alone.
    std::string title = full == nullptr ? name : full;
    std::free(full);
    if (result != PFM_SUCCESS) return tl::unexpected(result);
    title = title.substr(0, title.find(":e="));
    title = title.substr(0, title.find(":u="));
    return Event{.name = title,
                 .code = {.type = attributes.type,
                          .config = attributes.config,
                          .config1 = attributes.config1,
                          .config2 = attributes.config2}};
}

/// libpfm4's names of the processors that it has found here.
std::vector<std::string> known_processors() {
    std::vector<std::string> names;
    for (int number = 0; number < PFM_PMU_MAX; ++number) {
        pfm_pmu_info_t information{};
        information.size = sizeof information;
        if (pfm_get_pmu_info(static_cast<pfm_pmu_t>(number), &information) == PFM_SUCCESS &&
            information.is_present != 0 && information.type == PFM_PMU_TYPE_CORE) {
            names.emplace_back(information.name);
        }
    }
    return names;
}

bool belongs_elsewhere(const EventCode& code, const HostFacts& facts, unsigned cpu) {
    for (const CorePmu& pmu : facts.core_pmus) {
        if (pmu.type == code.type) return !pmu.cpus.empty() && !pmu.cpus.contains(cpu);
    }
    return false;
}

/// Raw codes go to the PMU of the first core where there are several.
Event for_core_type(Event event, const HostFacts& facts, unsigned cpu) {
    const CorePmu* const own = facts.pmu_of_cpu(cpu);
    if (event.code.type == PERF_TYPE_RAW && facts.core_pmus.size() > 1 && own != nullptr) {
        event.code.type = own->type;
    }
    return event;
}

tl::expected<Event, std::string> named(const std::string& name, const HostFacts& facts, unsigned cpu) {
    if (!initialise()) return tl::unexpected("libpfm4 cannot begin; give '" + name + "' by its code, as r08");
    auto event = look_up(name);
    // The same name may be known for several types of core.
    if (event && belongs_elsewhere(event->code, facts, cpu) && name.find("::") == std::string::npos) {
        for (std::string qualified : known_processors()) {
            qualified += "::";
            qualified += name;
            const auto other = look_up(qualified);
            if (other && !belongs_elsewhere(other->code, facts, cpu)) event = other;
        }
    }
    if (event && belongs_elsewhere(event->code, facts, cpu)) {
        return tl::unexpected(explain({.refusal = Refusal::wrong_core_type}, *event, facts, cpu));
    }
    if (event) return for_core_type(*event, facts, cpu);
    std::string known;
    for (const std::string& processor : known_processors()) {
        if (!known.empty()) known += ", ";
        known += processor;
    }
    if (known.empty()) {
        return tl::unexpected("'" + name + "' is not known: libpfm4 does not know " + facts.cpu_name +
                              "; give the event's code from the processor's manual, as r08 or 4:0x08");
    }
    return tl::unexpected("'" + name + "' is no event of " + known + " (" + pfm_strerror(event.error()) +
                          "); see perf list, or give its code, as r08 or 4:0x08");
}

}  // namespace

std::vector<std::string> known_core_pmus() {
    if (!initialise()) return {};
    return known_processors();
}

tl::expected<Event, std::string> find_event(const std::string& name, const HostFacts& facts, unsigned cpu) {
    if (name.empty())
        return tl::unexpected<std::string>("an event has a name, such as INST_RETIRED, or a code");
    const bool numbered = name.front() >= '0' && name.front() <= '9';
    if (!numbered && !is_raw(name)) return named(name, facts, cpu);
    const auto code = numbered ? numbered_code(name) : raw_code(name);
    if (!code) return tl::unexpected(code.error());
    // A code without a type is meant for whatever core this is, also where the type of raw codes is one
    // core's.
    if (numbered && belongs_elsewhere(*code, facts, cpu)) {
        return tl::unexpected(
            explain({.refusal = Refusal::wrong_core_type}, {.name = name, .code = *code}, facts, cpu));
    }
    return for_core_type({.name = name, .code = *code}, facts, cpu);
}

tl::expected<Event, std::string> find_event(const std::string& name) {
    return find_event(name, read_host_facts(), current_cpu());
}

std::vector<Event> clock_candidates() {
    return clock_candidates(read_host_facts(), current_cpu());
}

std::vector<Event> alarm_candidates(const Event& clock) {
    return alarm_candidates(clock, read_host_facts(), current_cpu());
}

}  // namespace escapement
