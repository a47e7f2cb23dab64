#pragma once
// What is written for people and shells, each as the text of one file.

#include "command_tree.hpp"

#include <string>
#include <vector>

namespace escapement::pages {

using Tree = std::vector<Subcommand>;

/// escapement(1); `more` are its further sections, as mdoc.
std::string command_page(const Tree& tree, const std::string& date, const std::string& more);
/// escapement-SUBCOMMAND(1).
std::string subcommand_page(const Subcommand& subcommand, const Tree& tree, const std::string& date);

struct HeaderPage {
    std::string page;                    ///< escapement(3)
    std::vector<std::string> functions;  ///< that it tells of
};
/// From the text of escapement.h.
HeaderPage header_page(const std::string& header, const std::string& date);

std::string bash_completion(const Tree& tree);
std::string zsh_completion(const Tree& tree);
std::string fish_completion(const Tree& tree);

}  // namespace escapement::pages
