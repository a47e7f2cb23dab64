#pragma once
// What `run --journal` wrote at a journal's beginning: how to run the command again.

#include <tl/expected.hpp>

#include <cstdint>
#include <string>

namespace escapement::command {

struct JournalBeginning {
    std::string policy;
    std::uint64_t quantum = 0;
    std::string clock;
    std::string event;
    std::string time;
    std::uint64_t seed = 0;
};

/// Of the journal at `path`; one line that says why not.
tl::expected<JournalBeginning, std::string> read_journal_beginning(const std::string& path);

}  // namespace escapement::command
