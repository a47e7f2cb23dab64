// What the environment's words mean. Strict: what `run` writes has one spelling, and what has another was not
// written by it.

#include "settings.hpp"

#include <cstring>
#include <limits>

namespace escapement::preload {

namespace {

/// The most counts that `run` lets a quantum have: clocks are added to it.
constexpr std::uint64_t most_counts = std::uint64_t{1} << 62U;

int digit_of(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return std::numeric_limits<int>::max();
}

/// The digits at `at`, which is moved behind them; nothing without a digit, or for more than `most`.
bool digits(const char*& at, std::uint64_t base, std::uint64_t most, std::uint64_t& value) {
    const char* const begin = at;
    value = 0;
    for (;; ++at) {
        const auto digit = static_cast<std::uint64_t>(digit_of(*at));
        if (digit >= base) return at != begin;
        if (value > (most - digit) / base) return false;
        value = value * base + digit;
    }
}

class Words {
  public:
    explicit Words(const char* (*value_of)(const char*)) : value_of_(value_of) {}

    [[nodiscard]] const char* text(const char* variable) const { return value_of_(variable); }

    /// Null also for `none`, which `run` writes so that the variable is always there.
    [[nodiscard]] const char* text_or_none(const char* variable) const {
        const char* const value = value_of_(variable);
        return value == nullptr || std::strcmp(value, "none") == 0 ? nullptr : value;
    }

    std::uint64_t number(const char* variable, std::uint64_t otherwise,
                         std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
        const char* at = value_of_(variable);
        if (at == nullptr) return otherwise;
        std::uint64_t value = 0;
        if (!digits(at, 10, most, value) || *at != '\0') refuse(variable);
        return value;
    }

    /// TYPE:CONFIG:CONFIG1:CONFIG2, in hexadecimal.
    EventCode event(const char* variable) {
        const char* at = value_of_(variable);
        std::uint64_t parts[4] = {};
        for (std::uint64_t& part : parts) {
            const bool first = &part == parts;
            const std::uint64_t most =
                first ? std::numeric_limits<std::uint32_t>::max() : std::numeric_limits<std::uint64_t>::max();
            if (at == nullptr || (!first && *at++ != ':') || !digits(at, 16, most, part)) {
                refuse(variable);
                return {};
            }
        }
        if (*at != '\0') refuse(variable);
        return {.type = static_cast<std::uint32_t>(parts[0]),
                .config = parts[1],
                .config1 = parts[2],
                .config2 = parts[3]};
    }

    /// Which of `words` it is; 0 also where it is missing.
    template <std::size_t Count>
    std::size_t word(const char* variable, const char* const (&words)[Count]) {
        const char* const value = value_of_(variable);
        if (value == nullptr) return 0;
        for (std::size_t index = 0; index < Count; ++index) {
            if (std::strcmp(value, words[index]) == 0) return index;
        }
        refuse(variable);
        return 0;
    }

    /// The first is what is told.
    void refuse(const char* variable) {
        if (unknown_.variable == nullptr) unknown_ = {variable, value_of_(variable)};
    }
    [[nodiscard]] const UnknownWord& unknown() const { return unknown_; }

  private:
    const char* (*value_of_)(const char*);
    UnknownWord unknown_{nullptr, nullptr};
};

/// record:PATH or replay:PATH, as long for both: what is on the stack lies at the same addresses. Of the
/// process that `run` became, whatever program it has become since; not of those that its children execute.
void read_journal(Words& words, Settings& settings, pid_t process) {
    const char* const text = words.text("ESCAPEMENT_JOURNAL");
    if (text == nullptr || process != settings.launched) return;
    constexpr std::size_t word = 7;
    settings.replays = std::strncmp(text, "replay:", word) == 0;
    if (!settings.replays && std::strncmp(text, "record:", word) != 0)
        return words.refuse("ESCAPEMENT_JOURNAL");
    const std::size_t length = std::strlen(text + word);
    // `run` writes whole paths only, which do not depend on where the program is by then.
    if (text[word] != '/' || length >= longest_journal_path) return words.refuse("ESCAPEMENT_JOURNAL");
    settings.journal = text + word;
    settings.command = words.text("ESCAPEMENT_COMMAND");
}

}  // namespace

tl::expected<Settings, UnknownWord> parse_settings(const char* (*value_of)(const char*), pid_t process) {
    Words words(value_of);
    Settings settings;
    constexpr Ordering orderings[] = {Ordering::counted, Ordering::free, Ordering::ticktock};
    settings.ordering = orderings[words.word("ESCAPEMENT_POLICY", {"counted", "free", "ticktock"})];
    constexpr ClockSource clocks[] = {ClockSource::automatic, ClockSource::reported, ClockSource::operations,
                                      ClockSource::perf, ClockSource::stepped};
    settings.clock =
        clocks[words.word("ESCAPEMENT_CLOCK", {"auto", "reported", "operations", "perf", "stepped"})];
    if (settings.clock == ClockSource::perf) {
        settings.event_name = words.text("ESCAPEMENT_EVENT_NAME");
        settings.clock_event = words.event("ESCAPEMENT_EVENT");
        settings.alarm_event = words.event("ESCAPEMENT_ALARM");
        settings.margin = words.number("ESCAPEMENT_MARGIN", 0, most_counts);
    }
    settings.virtual_time = words.word("ESCAPEMENT_TIME", {"virtual", "real"}) == 0;
    settings.quantum = words.number("ESCAPEMENT_QUANTUM", 0, most_counts);
    settings.seed = words.number("ESCAPEMENT_SEED", 1);
    settings.launched =
        static_cast<pid_t>(words.number("ESCAPEMENT_PID", 0, std::numeric_limits<pid_t>::max()));
    settings.cpus = words.text_or_none("ESCAPEMENT_CPUS");
    settings.allowed_cpus = words.text_or_none("ESCAPEMENT_ALLOWED");
    cpu_set_t set;
    if (settings.cpus != nullptr && !parse_cpu_numbers(settings.cpus, set)) words.refuse("ESCAPEMENT_CPUS");
    if (settings.allowed_cpus != nullptr && !parse_cpu_numbers(settings.allowed_cpus, set))
        words.refuse("ESCAPEMENT_ALLOWED");
    settings.statistics = words.text_or_none("ESCAPEMENT_STATS");
    if (settings.statistics != nullptr && *settings.statistics != '/' &&
        std::strcmp(settings.statistics, "-") != 0)
        words.refuse("ESCAPEMENT_STATS");
    read_journal(words, settings, process);
    if (words.unknown().variable != nullptr) return tl::unexpected(words.unknown());
    return settings;
}

bool parse_cpu_numbers(const char* text, cpu_set_t& set) {
    CPU_ZERO(&set);
    for (;; ++text) {
        std::uint64_t cpu = 0;
        if (!digits(text, 10, CPU_SETSIZE - 1, cpu)) return false;
        CPU_SET(cpu, &set);
        if (*text != ',') return *text == '\0';
    }
}

}  // namespace escapement::preload
