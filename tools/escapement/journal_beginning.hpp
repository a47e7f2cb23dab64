#pragma once
// What `run --journal` wrote at a journal's beginning: how to run the command again.

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace escapement::command {

struct JournalBeginning {
    std::string command;
    std::string policy;
    std::uint64_t quantum = 0;
    std::string clock;
    std::string event;
    std::string time;
    std::uint64_t seed = 0;
};

/// Arguments with a space between them; those that would not be told apart so are in quotes. Of very long
/// ones the beginning.
std::string quoted(const std::vector<std::string>& command);

/// Of the journal at `path`; one line that says why not.
tl::expected<JournalBeginning, std::string> read_journal_beginning(const std::string& path);

}  // namespace escapement::command
