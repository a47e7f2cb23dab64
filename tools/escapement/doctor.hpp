#pragma once
// What `escapement doctor` finds: each finding is a value, made by a function of what was read and tried, so
// that hosts and programs that one does not have can be described.

#include "program_facts.hpp"

#include <escapement/host_facts.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace escapement::command {

struct Finding {
    enum class State : std::uint8_t {
        ok,
        info,     ///< good to know; nothing to mend
        warning,  ///< something is not to be had, or costs more
        bad,      ///< nothing can be ordered
    };
    std::string name{};
    State state = State::info;
    std::string value{};
    std::string why{};     ///< it matters
    std::string remedy{};  ///< a command, or in words what to do; empty: nothing
};

/// What only trying tells. Nothing that was tried stays.
struct Trials {
    std::vector<std::string> known_pmus;          ///< libpfm4's
    std::string counted;                          ///< the first event that could be opened; empty: none
    std::string counting_refused;                 ///< why not
    std::optional<std::string> stepping_refused;  ///< why not; absent: threads can be stepped
    std::optional<std::string> handlers_unseen;   ///< why signals' handlers cannot; absent: they can
    bool fixed_addresses = true;                  ///< personality(ADDR_NO_RANDOMIZE) is allowed
    std::string preload_library;                  ///< its path
    std::string preload_refused;                  ///< why it cannot be used; empty: it can
    std::string profile;                          ///< its path, or where it would be
    std::optional<std::string> profile_refused;   ///< why it does not serve; absent: it fits
    bool profile_missing = false;
};

Trials try_host(const HostFacts& facts);
std::vector<Finding> examine_host(const HostFacts& facts, const Trials& trials);

/// A command as `run` would be given it.
struct CommandFacts {
    struct Program {
        std::string path;
        ProgramFacts facts;
    };
    std::vector<std::string> words{};
    std::string not_found{};  ///< why; empty: it was found
    bool as_root = false;
    std::vector<Program> programs{};      ///< itself, then a script's interpreter, and so on
    std::string refused{};                ///< why it cannot be ordered; empty: it can
    std::vector<std::string> warnings{};  ///< those that `run` gives
};

CommandFacts read_command(const std::vector<std::string>& words);
std::vector<Finding> examine_command(const CommandFacts& command);

/// Which clocks will work.
struct Outlook {
    struct Clock {
        const char* name;
        bool works;
        std::string why;
    };
    bool ordered = true;  ///< nothing is bad
    std::array<Clock, 4> clocks;
};
Outlook conclude(const Trials& trials, const CommandFacts* command, const std::vector<Finding>& findings);

std::string to_text(const std::vector<Finding>& findings, const Outlook& outlook);
std::string to_json(const std::vector<Finding>& findings, const Outlook& outlook);

}  // namespace escapement::command
