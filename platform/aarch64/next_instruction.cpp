#include "next_instruction.hpp"

namespace escapement::aarch64 {

namespace {

constexpr std::uint64_t bits(std::uint32_t instruction, unsigned high, unsigned low) {
    return (instruction >> low) & ((std::uint64_t{1} << (high - low + 1)) - 1);
}

/// A number of words in two's complement, in bytes.
constexpr std::uint64_t offset(std::uint32_t instruction, unsigned high, unsigned low) {
    const unsigned width = high - low + 1;
    const std::uint64_t sign = std::uint64_t{1} << (width - 1);
    return ((bits(instruction, high, low) ^ sign) - sign) * instruction_size;
}

bool is_branch(std::uint32_t i) {
    return (i & 0x7c000000U) == 0x14000000U;
}  // B, BL
bool is_conditional_branch(std::uint32_t i) {
    return (i & 0xff000000U) == 0x54000000U;
}  // B.cond, BC.cond
bool is_compare_and_branch(std::uint32_t i) {
    return (i & 0x7e000000U) == 0x34000000U;
}  // CBZ, CBNZ
bool is_test_and_branch(std::uint32_t i) {
    return (i & 0x7e000000U) == 0x36000000U;
}  // TBZ, TBNZ
bool is_register_branch(std::uint32_t i) {
    return (i & 0xfe000000U) == 0xd6000000U;
}  // BR, BLR, RET, …
bool is_exception(std::uint32_t i) {
    return (i & 0xff000000U) == 0xd4000000U;
}  // SVC, BRK, …
bool links(std::uint32_t i) {
    return is_branch(i) && (i >> 31) != 0;
}

bool is_direct(std::uint32_t i) {
    return is_branch(i) || is_conditional_branch(i) || is_compare_and_branch(i) || is_test_and_branch(i);
}

/// Of a direct branch, if taken.
std::uint64_t target(std::uint32_t i, std::uint64_t pc) {
    if (is_branch(i)) return pc + offset(i, 25, 0);
    if (is_test_and_branch(i)) return pc + offset(i, 18, 5);
    return pc + offset(i, 23, 5);
}

/// Number 31 reads as zero.
std::uint64_t value_of(std::uint64_t number, const Registers& registers) {
    return number == 31 ? 0 : registers.x[number];
}

bool condition_holds(std::uint64_t condition, std::uint64_t pstate) {
    const bool n = (pstate >> 31 & 1) != 0;
    const bool z = (pstate >> 30 & 1) != 0;
    const bool c = (pstate >> 29 & 1) != 0;
    const bool v = (pstate >> 28 & 1) != 0;
    bool holds = true;
    switch (condition >> 1) {
        case 0:
            holds = z;
            break;  // EQ, NE
        case 1:
            holds = c;
            break;  // CS, CC
        case 2:
            holds = n;
            break;  // MI, PL
        case 3:
            holds = v;
            break;  // VS, VC
        case 4:
            holds = c && !z;
            break;  // HI, LS
        case 5:
            holds = n == v;
            break;  // GE, LT
        case 6:
            holds = n == v && !z;
            break;  // GT, LE
        default:
            return true;  // AL, and the other always
    }
    return holds != ((condition & 1) != 0);
}

bool is_taken(std::uint32_t i, const Registers& registers) {
    if (is_branch(i)) return true;
    if (is_conditional_branch(i)) return condition_holds(bits(i, 3, 0), registers.pstate);
    std::uint64_t value = value_of(bits(i, 4, 0), registers);
    const bool if_not_zero = bits(i, 24, 24) != 0;
    if (is_test_and_branch(i)) {
        value = value >> (bits(i, 31, 31) << 5 | bits(i, 23, 19)) & 1;
    } else if (bits(i, 31, 31) == 0) {
        value &= 0xffffffffU;
    }
    return (value != 0) == if_not_zero;
}

/// Pointers of user space, without the signature of pointer authentication or the tag in the top byte.
std::uint64_t plain(std::uint64_t address, bool is_signed) {
    return address & (is_signed ? 0x0000ffffffffffffU : 0x00ffffffffffffffU);
}

std::uint64_t register_target(std::uint32_t i, const Registers& registers) {
    const bool is_signed = bits(i, 15, 11) == 1;             // BRAA, BLRAB, RETAA, …
    const bool returns = bits(i, 24, 21) == 2 && is_signed;  // RETAA, RETAB: from the link register
    return plain(value_of(returns ? 30 : bits(i, 9, 5), registers), is_signed);
}

/// Flags of value - operand (CMP), or of value & operand (TST) into `registers`; false if `i` is neither, or
/// in a form that compilers do not put into exclusive loops.
bool compare(std::uint32_t i, Registers& registers) {
    const bool wide = bits(i, 31, 31) != 0;
    if (bits(i, 4, 0) != 31) return false;  // keeps the difference
    std::uint64_t right = 0;
    const bool immediate = (i & 0x7f800000U) == 0x71000000U;
    if (immediate) {
        right = bits(i, 21, 10) << (bits(i, 22, 22) * 12);
    } else if ((i & 0x7fe0fc00U) == 0x6b000000U) {  // a register, not shifted
        right = value_of(bits(i, 20, 16), registers);
    } else {
        return false;
    }
    const std::uint64_t number = bits(i, 9, 5);
    std::uint64_t left = immediate && number == 31 ? registers.sp : value_of(number, registers);
    const std::uint64_t all = wide ? ~std::uint64_t{0} : 0xffffffffU;
    left &= all;
    right &= all;
    const std::uint64_t difference = (left - right) & all;
    const std::uint64_t sign = wide ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
    const std::uint64_t n = (difference & sign) != 0 ? 1 : 0;
    const std::uint64_t z = difference == 0 ? 1 : 0;
    const std::uint64_t c = left >= right ? 1 : 0;
    const std::uint64_t v = ((left ^ right) & (left ^ difference) & sign) != 0 ? 1 : 0;
    registers.pstate =
        (registers.pstate & ~(std::uint64_t{0xf} << 28)) | n << 31 | z << 30 | c << 29 | v << 28;
    return true;
}

/// Whether the branch at `text[index]` goes back to the load exclusive, that having read `value`.
bool goes_round(const std::uint32_t* text, std::size_t index, Registers registers, std::uint64_t value) {
    const std::uint64_t loaded = bits(text[0], 4, 0);
    if (loaded != 31) registers.x[loaded] = value;
    for (std::size_t before = 1; before < index; ++before) {
        if (!compare(text[before], registers)) return false;
    }
    return is_taken(text[index], registers);
}

void add_exit(ExclusiveSequence& sequence, std::uint64_t address, std::uint32_t retired, bool& too_many) {
    for (std::size_t index = 0; index < sequence.number; ++index) {
        auto& exit = sequence.exits[index];
        if (exit.address != address) continue;
        if (exit.retired != retired) exit.retired = 0;
        return;
    }
    if (sequence.number == sequence.exits.size()) {
        too_many = true;
        return;
    }
    sequence.exits[sequence.number++] = {.address = address, .retired = retired};
}

}  // namespace

std::uint64_t next_address(std::uint32_t instruction, const Registers& registers) {
    if (is_direct(instruction) && is_taken(instruction, registers)) return target(instruction, registers.pc);
    if (is_register_branch(instruction)) return register_target(instruction, registers);
    return registers.pc + instruction_size;
}

bool is_system_call(std::uint32_t instruction) {
    return (instruction & 0xffe0001fU) == 0xd4000001U;
}

// Pairs of registers have the same class as CASP, which is for the smaller sizes.
bool is_load_exclusive(std::uint32_t instruction) {
    return (instruction & 0x3fc00000U) == 0x08400000U &&
           (bits(instruction, 21, 21) == 0 || bits(instruction, 31, 31) != 0);
}

bool is_store_exclusive(std::uint32_t instruction) {
    return (instruction & 0x3fc00000U) == 0x08000000U &&
           (bits(instruction, 21, 21) == 0 || bits(instruction, 31, 31) != 0);
}

std::uint64_t exclusive_address(std::uint32_t instruction, const Registers& registers) {
    const std::uint64_t base = bits(instruction, 9, 5);
    return base == 31 ? registers.sp : registers.x[base];
}

std::size_t exclusive_size(std::uint32_t instruction) {
    return std::size_t{1} << bits(instruction, 31, 30);
}

ExclusiveSequence exclusive_sequence(const std::uint32_t* text, std::size_t words, const Registers& registers,
                                     std::uint64_t value) {
    std::size_t store = 0;
    for (std::size_t index = 1; index < words && store == 0; ++index) {
        if (is_store_exclusive(text[index])) store = index;
    }
    if (store == 0) return {};
    const std::uint64_t begin = registers.pc;
    ExclusiveSequence sequence;
    sequence.end = begin + (store + 1) * instruction_size;
    bool too_many = false;
    const auto retired_at = [&](std::size_t index) {
        return sequence.straight ? static_cast<std::uint32_t>(index + 1) : 0;
    };
    for (std::size_t index = 1; index < store; ++index) {
        const std::uint32_t word = text[index];
        const std::uint64_t here = begin + index * instruction_size;
        if (is_register_branch(word) || is_exception(word) || links(word)) {
            // It is left here: what such a path has to do with the store, the program cannot expect to hold.
            add_exit(sequence, here, sequence.straight ? static_cast<std::uint32_t>(index) : 0, too_many);
        } else if (is_direct(word)) {
            const std::uint64_t to = target(word, here);
            if (to == begin) {
                // A breakpoint at the load would stop before it runs: at the branch, if that goes round.
                if (goes_round(text, index, registers, value))
                    add_exit(sequence, here, sequence.straight ? static_cast<std::uint32_t>(index) : 0,
                             too_many);
            } else if (to < begin || to >= sequence.end) {
                add_exit(sequence, to, retired_at(index), too_many);
            } else {
                sequence.straight = false;
            }
        }
    }
    add_exit(sequence, sequence.end, retired_at(store), too_many);
    if (too_many) return {};
    return sequence;
}

}  // namespace escapement::aarch64
