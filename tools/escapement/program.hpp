#pragma once
// What can be known of a program before it runs: whether a preloaded library will have a say in it.

#include "program_facts.hpp"

#include <tl/expected.hpp>

#include <filesystem>
#include <string>

namespace escapement::command {

/// Where a shell would find `name`; in words, why it would not.
tl::expected<std::filesystem::path, std::string> find_program(const std::string& name);

struct CannotBeOrdered {
    std::string reason;          ///< one line, with what to do where that can be said
    bool cannot_be_run = false;  ///< not by the system either
};

/// Nothing if the program at `path` can be ordered; otherwise why it cannot (statically linked, set-uid, of
/// another processor, damaged). What cannot be read is given the benefit of the doubt.
tl::expected<void, CannotBeOrdered> check_can_be_ordered(const std::filesystem::path& path);

/// The same of one file of which `facts` tell, for a user who is root or is not; of a script nothing but that
/// it is one.
tl::expected<void, CannotBeOrdered> judge_program(const std::string& path, const ProgramFacts& facts,
                                                  bool as_root);

/// True if it is an ELF program, in 64 bits, of the processor that escapement itself is built for.
bool is_of_this_processor(const ProgramFacts& facts);

/// So deep Linux goes into scripts whose interpreters are scripts.
inline constexpr unsigned deepest_script = 5;
/// Of a script deeper than that.
CannotBeOrdered too_deep(const std::string& path);

}  // namespace escapement::command
