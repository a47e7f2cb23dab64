#pragma once
// What the command's subcommands and options are, read from the parser that the command itself uses: manual
// pages and completions are made from this and cannot tell of anything else.

#include <cstdint>
#include <string>
#include <vector>

// Its header costs a compiler much.
namespace CLI {
class App;
}

namespace escapement::pages {

enum class ValueKind : std::uint8_t { none, words, file, directory, other };

struct Option {
    std::vector<std::string> names;    ///< with their dashes, short ones first; empty: by position
    std::string value;                 ///< what help calls its value, such as FILE; empty: a flag
    std::vector<std::string> choices;  ///< words that its value may be
    ValueKind kind = ValueKind::none;
    std::string initial;  ///< value when it is not given; empty: not known
    std::string description;
    bool required = false;
};

struct Subcommand {
    std::string name;                      ///< empty: the command itself
    std::string synopsis;                  ///< without the command's name
    bool takes_command = false;            ///< what follows `--` is a command line
    std::vector<std::string> description;  ///< paragraphs; lines that begin with a space stay as they are
    std::vector<std::string> notes;        ///< paragraphs of the footer, but that of the exit status
    std::string exit_status;
    std::vector<Option> options;
    std::vector<Option> positions;

    /// The beginning of its description, up to the first full stop or colon, with a small letter.
    [[nodiscard]] std::string brief() const;
};

/// The command itself first.
std::vector<Subcommand> command_tree(CLI::App& app);

}  // namespace escapement::pages
