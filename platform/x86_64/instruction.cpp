#include "instruction.hpp"

#include "readable.hpp"

namespace escapement {

namespace {

/// The bytes of an instruction, one after the other.
class Bytes {
  public:
    Bytes(std::uintptr_t address, Readable& readable)
        : begin_(address), next_(address), readable_(readable) {}
    /// 0 where nothing can be read: no instruction that we look for has one there.
    unsigned take() {
        if (!readable_(next_)) return 0;
        return *reinterpret_cast<const volatile std::uint8_t*>(next_++);
    }
    [[nodiscard]] unsigned taken() const { return static_cast<unsigned>(next_ - begin_); }

  private:
    std::uintptr_t begin_;
    std::uintptr_t next_;
    Readable& readable_;
};

bool is_string_instruction(unsigned opcode) {
    return (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) ||
           (opcode >= 0x6c && opcode <= 0x6f);
}

/// What follows a ModRM byte: a SIB byte and a displacement.
unsigned bytes_after(unsigned modrm, Bytes& bytes) {
    const unsigned mode = modrm >> 6;
    const unsigned base = modrm & 7;
    if (mode == 3) return 0;
    unsigned after = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    if (base == 4) {
        if (mode == 0 && (bytes.take() & 7) == 5) return 5;
        return after + 1;
    }
    if (mode == 0 && base == 5) after = 4;
    return after;
}

}  // namespace

Instruction instruction_at(std::uintptr_t address, Readable& readable) {
    using Kind = Instruction::Kind;
    Bytes bytes(address, readable);
    bool repeats = false;
    unsigned byte = bytes.take();
    // Segment overrides, operand and address size, lock, repeat; then at most one REX.
    while (byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || (byte >= 0x64 && byte <= 0x67) ||
           byte == 0xf0 || byte == 0xf2 || byte == 0xf3) {
        repeats = repeats || byte == 0xf2 || byte == 0xf3;
        if (bytes.taken() > 14) return {};
        byte = bytes.take();
    }
    if ((byte & 0xf0) == 0x40) byte = bytes.take();
    if (byte == 0x9c) return {Kind::pushes_flags, bytes.taken()};
    if (repeats && is_string_instruction(byte)) return {Kind::repeated, bytes.taken()};
    if (byte == 0x0f) {
        const unsigned second = bytes.take();
        if (second == 0x05) return {Kind::system_call, bytes.taken()};
        if (second == 0xa2) return {Kind::asks_processor, bytes.taken()};
        return {};
    }
    if (byte == 0xcd && bytes.take() == 0x80) return {Kind::old_system_call, bytes.taken()};
    if (byte == 0x8e) {
        const unsigned modrm = bytes.take();
        if (((modrm >> 3) & 7) != 2) return {};
        const unsigned before = bytes.taken();
        return {Kind::loads_stack_segment, before + bytes_after(modrm, bytes)};
    }
    return {};
}

}  // namespace escapement
