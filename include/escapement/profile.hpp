#pragma once
// A profile: what is known of a host's counters, measured by `escapement calibrate`, and what follows from
// it.
//
// Contract. A Profile is plain data. `read_profile` takes nothing on trust: what is not exactly as the schema
// has it (src/profile/README.md documents it) is refused with the path, the place and the reason; so is a key
// that the schema does not have. `write_profile` gives text that `read_profile` reads back as an equal
// Profile, if the figures in it make sense: what `calibrate` returns always does.
//
// Units: in each figure's `unit`: "ns", "counts", "counts/ns", "counts/occurrence". Errors: values, one line
// each. Thread safety: pure functions of their arguments.

#include <escapement/event.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace escapement {

/// One measured quantity. `low` to `high` is its 95 % confidence interval for slopes and rates, else the 5th
/// to the 95th percentile: `spread` says which.
struct Figure {
    enum class Spread : std::uint8_t { confidence, percentiles };
    double value = 0;  ///< the median, or a slope
    double low = 0;
    double high = 0;
    std::uint64_t n = 0;  ///< measurements; 0: not measured
    std::string unit;
    Spread spread = Spread::percentiles;
    bool operator==(const Figure&) const = default;
};

/// The host that a profile speaks of. Two hosts are the same if everything here is equal.
struct Fingerprint {
    std::string architecture;  ///< x86_64, aarch64
    std::string cpu;           ///< the model's name, for people
    std::string
        cpu_identity;  ///< vendor, family, model and stepping (x86); implementer, part, variant, revision
    std::string microcode;                ///< empty where there is none to be seen
    std::string kernel;                   ///< release, as uname(2) has it
    std::string hypervisor;               ///< empty: none, or none to be seen
    std::vector<std::string> core_types;  ///< PMUs' names, in order; empty without a PMU
    bool operator==(const Fingerprint&) const = default;
};

/// Known code, counted again and again. Deviations are from what the kind of event that
/// `EventFinding::counts` names must count; of an event that counts none of the known kinds, from its own
/// first count.
struct CodeFinding {
    std::string code;        ///< KnownCode::name
    std::uint64_t n = 0;     ///< how often it was counted; 0: this CPU lacks the instructions
    std::int64_t least = 0;  ///< deviation from the known count
    std::int64_t most = 0;
    bool operator==(const CodeFinding&) const = default;
};

/// What each occurrence of `cause` adds to a count. Value, low and high are all 0 exactly if every count was
/// the same, however often the cause came.
struct OvercountFinding {
    std::string cause;  ///< page fault, timer interrupt, system call, signal, context switch, migration
    Figure slope;
    bool operator==(const OvercountFinding&) const = default;
};

/// How late an alarm comes.
struct SkidFinding {
    std::string alarm;  ///< the alarm's event
    Count period = 0;   ///< counts that it was set for
    std::uint64_t n = 0;
    std::uint64_t lost = 0;   ///< never came while the thread ran a hundred times as far
    std::uint64_t early = 0;  ///< came before its target; below they count as skid 0
    Count p50 = 0, p90 = 0, p99 = 0, p9999 = 0, most = 0;  ///< counts of the clock past the target
    std::vector<std::uint64_t> histogram;  ///< [0]: skid 0; [i]: skid below 2^i and at least 2^(i-1)
    std::vector<Count> largest;  ///< the largest skids, greatest first, at most `kept`: the tail as it was
    static constexpr std::size_t kept = 256;
    Figure latency;  ///< ns from the target to the handler
    bool operator==(const SkidFinding&) const = default;
};

/// Everything measured under one load ("idle", "loaded").
struct LoadFinding {
    std::string load;
    std::vector<CodeFinding> codes;
    std::vector<OvercountFinding> overcounts;
    std::vector<SkidFinding> skids;
    Figure read_in_user_space;  ///< n 0: not to be had
    Figure read_by_call;
    Figure read_from_elsewhere;
    Figure read_counts;  ///< counts that a read adds to its own count
    Figure rate;         ///< counts/ns, on straight code
    bool operator==(const LoadFinding&) const = default;
};

/// An event as a clock, with the alarms that go with it. One that was only tried as an alarm has no
/// overcounts and no skids of its own: as an alarm it appears in its clock's.
struct EventFinding {
    std::string name;
    EventCode code;
    std::string refusal;  ///< why it cannot be counted; empty if it can
    std::string counts;   ///< the kind of known_code.hpp that it counts, exactly or nearly: "instructions",
                          ///< "conditional branches", "taken conditional branches", "taken branches",
                          ///< "branches"; empty: none of these
    std::string failed;   ///< the first self-check that it failed (counter_check.hpp), in a line; empty: none
    unsigned at_once = 0;      ///< pinned counters of it at once
    std::string multiplexing;  ///< what happens to one more, in words
    Count least_period = 0;    ///< the least that an alarm by it can be set for; 0: not measured
    std::vector<LoadFinding> loads;
    bool operator==(const EventFinding&) const = default;
};

/// What the host takes for the rest, with or without a PMU. n 0: not to be had here.
struct HostCosts {
    Figure trap_flag_step;  ///< x86
    Figure breakpoint_step;
    Figure signal;  ///< to oneself, delivery and return
    Figure ordered_operation;
    Figure timer_lateness;  ///< of a CPU-time timer, by which spinning threads are found
    bool operator==(const HostCosts&) const = default;
};

struct Verdict {
    enum class Fitness : std::uint8_t {
        nothing,     ///< no count here to build on: `fallback`
        order,       ///< exact as a clock, but nothing wakes a thread in time: no boundaries
        boundaries,  ///< exact, with an alarm and a margin that is never exceeded
    };
    Fitness fitness = Fitness::nothing;
    std::optional<Event> clock;  ///< set unless `nothing`
    std::optional<Event> alarm;  ///< set if `boundaries`
    Count margin = 0;
    std::string fallback;              ///< clock source to use instead where `nothing`: operations
    std::vector<std::string> reasons;  ///< a sentence each: what follows from which figure
    std::vector<std::string> advice;   ///< a sentence each: what to change on this host, with the command
    bool operator==(const Verdict&) const = default;
};

struct CoreProfile {
    std::string core_type;  ///< its PMU's name; "cpu" without one
    std::vector<unsigned> cpus;
    std::vector<EventFinding> events;  ///< in the order in which they were tried
    HostCosts costs;
    Verdict verdict;
    bool operator==(const CoreProfile&) const = default;
};

struct Profile {
    static constexpr unsigned schema_version = 1;
    std::string created;  ///< 2026-01-31T12:00:00Z, by whoever stores it; `calibrate` leaves it empty
    std::string effort;   ///< quick, default, thorough
    Fingerprint host;
    std::vector<CoreProfile> cores;
    bool operator==(const Profile&) const = default;
};

/// No text of a profile is longer.
inline constexpr std::size_t largest_profile = std::size_t{16} << 20U;

/// `path` is for messages: "PATH: /cores/0/events/2/loads/0/rate/value: expected a number, found a string",
/// "PATH:12:7: this is not JSON: …".
tl::expected<Profile, std::string> read_profile(std::string_view text, const std::string& path);
std::string write_profile(const Profile& profile);

/// What differs between the host of a profile and this one, in one line; empty if nothing does.
std::string difference(const Fingerprint& profiled, const Fingerprint& here);

/// Where profiles are kept: $XDG_CONFIG_HOME/escapement/profile.json, or ~/.config/…; empty without a home.
std::string standard_profile_path();
/// Reads the file at `path`; refuses what is no regular file or larger than a profile can be.
tl::expected<Profile, std::string> load_profile(const std::string& path);
/// All or nothing: a new file that takes the old one's place. Makes directories. Mode 0640, less what
/// umask(2) says.
tl::expected<void, std::string> store_profile(const Profile& profile, const std::string& path);
/// This host's own.
Fingerprint host_fingerprint();

}  // namespace escapement
