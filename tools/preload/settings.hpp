#pragma once
// What `escapement run` asks for, as it reaches this library: through the environment.

#include <escapement/counter.hpp>

#include <sched.h>
#include <sys/types.h>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>

namespace escapement::preload {

enum class Ordering : std::uint8_t { free, ticktock, counted };
enum class ClockSource : std::uint8_t { automatic, reported, operations, perf, stepped };

/// Bytes, with the closing zero: PATH_MAX.
inline constexpr std::size_t longest_journal_path = 4096;

struct Settings {
    Ordering ordering = Ordering::counted;
    ClockSource clock = ClockSource::automatic;
    std::uint64_t quantum = 0;  ///< counts; 0: what suits the clock
    // Of ClockSource::perf: what is counted, what ends turns, and by how many counts that may come late.
    const char* event_name = nullptr;
    EventCode clock_event;
    EventCode alarm_event;
    Count margin = 0;
    bool virtual_time = true;
    std::uint64_t seed = 1;
    const char* statistics = nullptr;  ///< null: none, "-": as text to standard error, else JSON to this path
    const char* journal = nullptr;     ///< null: none, else its path
    const char* command = nullptr;     ///< what `run` was given, as the journal's header has it
    bool replays = false;              ///< the journal is followed, not written
    const char* cpus = nullptr;        ///< numbers separated by commas; null: run anywhere
    const char* allowed_cpus = nullptr;  ///< where it runs if it is not ordered; null: where it does
    pid_t launched = 0;  ///< the process that `run` became; its statistics go to the path as it is

    /// What threads do between operations is counted, by hardware or by steps.
    [[nodiscard]] bool counts_between_operations() const {
        return clock == ClockSource::perf || clock == ClockSource::stepped;
    }
};

/// A variable whose value means nothing here; null where it is missing.
struct UnknownWord {
    const char* variable;
    const char* value;
};

/// What the variables say, of which `value_of` knows the values as getenv(3) does; the strings in the result
/// are those. `process` is the number of this one. Nothing but text: no system calls.
tl::expected<Settings, UnknownWord> parse_settings(const char* (*value_of)(const char*), pid_t process);

/// "0,2,3", which is what `run` writes: decimal numbers with commas between them. False if it is anything
/// else.
bool parse_cpu_numbers(const char* text, cpu_set_t& set);

/// Reads the environment. A word that it does not know ends the process with one line: `run` writes none
/// such.
Settings read_settings();

/// Whether the process may do more than who started it (set-uid, set-gid, file capabilities): then this
/// library does nothing at all, whatever the environment says. Source: getauxval(3), AT_SECURE; ld.so(8).
bool is_privileged();

/// Binds the process, which has one thread, to `cpus`, as in Settings.
void bind_to_cpus(const char* cpus);

}  // namespace escapement::preload
