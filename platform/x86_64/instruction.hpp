#pragma once
// The instructions of x86-64 that the trap flag alone does not step right, told from their bytes.
//
// Contract. Reads no more bytes than the instruction has, each after `readable` has said that it may be; what
// cannot be read, or is none of these, is `ordinary`. Source: Intel SDM 2, appendix A (opcode maps).

#include <cstdint>

namespace escapement {

class Readable;

struct Instruction {
    enum class Kind : std::uint8_t {
        ordinary,
        pushes_flags,         ///< PUSHF: the trap flag gets into memory
        repeated,             ///< REP with a string instruction: a trap after each repetition
        loads_stack_segment,  ///< MOV SS: no trap before the next instruction has run as well
        asks_processor,       ///< CPUID: a hypervisor does it, and some forget the trap
        system_call,          ///< SYSCALL: back from the kernel, one more instruction runs before the trap
        old_system_call,      ///< INT 0x80: the same, with other numbers
    };
    Kind kind = Kind::ordinary;
    unsigned length = 0;  ///< in bytes; 0 for the ordinary

    [[nodiscard]] bool calls() const { return kind == Kind::system_call || kind == Kind::old_system_call; }
    [[nodiscard]] bool may_hide_trap() const {
        return kind == Kind::loads_stack_segment || kind == Kind::asks_processor;
    }
};

Instruction instruction_at(std::uintptr_t address, Readable& readable);

}  // namespace escapement
