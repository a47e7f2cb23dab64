#pragma once
// Where an arm64 instruction goes on, from its encoding and the registers: the processor has no trap flag for
// user space, so whoever steps must know.
//
// Contract. Pure functions of their arguments: they run on any processor and are tested on x86. Every direct,
// conditional and register branch of Armv8.0 to Armv8.8, those with pointer authentication included;
// exceptions (SVC, BRK) are for the caller to handle: they count as going on to the next word. The compare
// and branch instructions of Armv9.6 (CB<cc>) and RETAASPPC are not known.
//
// An exclusive sequence, from a load exclusive to the store exclusive that follows in the text, is not to be
// stopped in: any exception would make its store fail. `exclusive_sequence` tells at which instructions it is
// over.
//
// Source: Arm ARM, C4.1 (A64 instruction set encoding), B2.9 (exclusives).

#include <array>
#include <cstddef>
#include <cstdint>

namespace escapement::aarch64 {

constexpr std::uint64_t instruction_size = 4;

struct Registers {
    std::array<std::uint64_t, 31> x{};
    std::uint64_t sp = 0;
    std::uint64_t pc = 0;
    std::uint64_t pstate = 0;
};

/// The address of the instruction that runs after `instruction`, which is at `registers.pc`.
std::uint64_t next_address(std::uint32_t instruction, const Registers& registers);

bool is_system_call(std::uint32_t instruction);
bool is_load_exclusive(std::uint32_t instruction);
bool is_store_exclusive(std::uint32_t instruction);

/// Where an exclusive sequence may be left.
struct Exit {
    std::uint64_t address = 0;
    /// Instructions from the load exclusive to here; 0 if several paths of different lengths lead here.
    std::uint32_t retired = 0;
};

struct ExclusiveSequence {
    static constexpr std::size_t most = 6;
    std::array<Exit, most> exits{};
    std::size_t number =
        0;                  ///< of exits; 0 if this is no sequence: no store follows soon, or it has too many
    std::uint64_t end = 0;  ///< the address after the store
    bool straight = true;   ///< no branch within
};

/// `text`: the words from the load exclusive on, as many as can be read; `value`: what the load would read
/// now (the first register's part): a loop that waits at the load exclusive is left at its branch if it goes
/// round.
ExclusiveSequence exclusive_sequence(const std::uint32_t* text, std::size_t words, const Registers& registers,
                                     std::uint64_t value);

/// Of a load exclusive: where it reads, and how many bytes for the first register.
std::uint64_t exclusive_address(std::uint32_t instruction, const Registers& registers);
std::size_t exclusive_size(std::uint32_t instruction);

}  // namespace escapement::aarch64
