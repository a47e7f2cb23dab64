#pragma once
// Where in the program something was called, in a way that is the same in every run.

#include <escapement/journal.hpp>

#include <cstdint>

namespace escapement::preload {

/// The place of `address`, packed; 0 if it is in no module, or in this library. Tells the journal of a module
/// at its first appearance.
std::uint64_t place_of(std::uintptr_t address);
/// In a child process: its journal knows no modules yet.
void forget_places();

/// Replaying: the journal says that its module `number` is `name`.
void note_journal_module(std::uint32_t number, std::string_view name);
/// "PATH+0x1234" of a place in the journal, or of an address in this process.
void describe_journal_place(std::uint64_t packed, std::span<char> text);
void describe_address(std::uintptr_t address, std::span<char> text);

}  // namespace escapement::preload
