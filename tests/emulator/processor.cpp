#include "processor.hpp"

#include "fail.hpp"

#include <cstring>

namespace emulator {

namespace {

constexpr std::uint32_t interrupt_flag = 1U << 9;
constexpr std::uint64_t no_address = 0xffffffff;  // where to end; the end of a run is its budget
constexpr std::uint32_t stack_size = 0x4000;

void check(uc_err error, const char* what) {
    if (error != UC_ERR_OK) fail(trouble, "Unicorn cannot ", what, ": ", uc_strerror(error));
}

}  // namespace

Processor::Processor(unsigned number, std::span<std::uint8_t> memory, std::uint32_t entry, Bus& bus)
    : number_(number), memory_(memory), bus_(bus), next_address_(entry) {
    check(uc_open(UC_ARCH_X86, UC_MODE_32, &engine_), "make a CPU");
    check(uc_mem_map_ptr(engine_, 0, memory.size(), UC_PROT_ALL, memory.data()), "map the memory");
    uc_hook hook = 0;
    check(uc_hook_add(engine_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(on_instruction), this, 1, 0),
          "count instructions");
    check(
        uc_hook_add(engine_, &hook, UC_HOOK_INSN, reinterpret_cast<void*>(on_in), this, 1, 0, UC_X86_INS_IN),
        "hand over reads of ports");
    check(uc_hook_add(engine_, &hook, UC_HOOK_INSN, reinterpret_cast<void*>(on_out), this, 1, 0,
                      UC_X86_INS_OUT),
          "hand over writes to ports");
    set(UC_X86_REG_EAX, number);
    set(UC_X86_REG_ESP, static_cast<std::uint32_t>(memory.size()) - number * stack_size);
}

Processor::~Processor() {
    uc_close(engine_);
}

void Processor::run(std::uint64_t budget) {
    budget_ = budget;
    executed_ = 0;
    reported_ = 0;
    stop_ = false;
    const uc_err error = uc_emu_start(engine_, next_address_, no_address, 0, 0);
    next_address_ = get(UC_X86_REG_EIP);
    if (error != UC_ERR_OK) {
        fail(guest_fault, "CPU ", number_, " at 0x", std::hex, next_address_, ": ", uc_strerror(error));
    }
    report();
}

// Before each instruction. Unicorn's own limit of instructions is made in the same way, but does not tell how
// many were done when a run ends early.
void Processor::on_instruction(uc_engine* engine, std::uint64_t /*address*/, std::uint32_t /*size*/,
                               void* self) {
    auto& me = *static_cast<Processor*>(self);
    if (me.executed_ >= me.budget_ || me.stop_) {
        uc_emu_stop(engine);
    } else {
        ++me.executed_;
    }
}

std::uint32_t Processor::on_in(uc_engine* /*engine*/, std::uint32_t port, int /*size*/, void* self) {
    auto& me = *static_cast<Processor*>(self);
    me.report();
    return me.bus_.in(me.number_, port);
}

void Processor::on_out(uc_engine* /*engine*/, std::uint32_t port, int /*size*/, std::uint32_t value,
                       void* self) {
    auto& me = *static_cast<Processor*>(self);
    me.report();
    me.bus_.out(me.number_, port, value);
}

void Processor::report() {
    bus_.retired(executed_ - reported_);
    reported_ = executed_;
}

bool Processor::interrupts_enabled() const {
    return (get(UC_X86_REG_EFLAGS) & interrupt_flag) != 0;
}

void Processor::enable_interrupts() {
    set(UC_X86_REG_EFLAGS, get(UC_X86_REG_EFLAGS) | interrupt_flag);
}

void Processor::take_interrupt(std::uint32_t handler) {
    const std::uint32_t flags = get(UC_X86_REG_EFLAGS);
    push(next_address_);
    push(flags);
    set(UC_X86_REG_EFLAGS, flags & ~interrupt_flag);
    next_address_ = handler;
}

void Processor::push(std::uint32_t value) {
    const std::uint32_t top = get(UC_X86_REG_ESP) - static_cast<std::uint32_t>(sizeof value);
    if (top > memory_.size() - sizeof value)
        fail(guest_fault, "CPU ", number_, " has its stack outside memory");
    std::memcpy(memory_.data() + top, &value, sizeof value);
    set(UC_X86_REG_ESP, top);
}

std::uint32_t Processor::get(int identifier) const {
    std::uint32_t value = 0;
    check(uc_reg_read(engine_, identifier, &value), "read a register");
    return value;
}

void Processor::set(int identifier, std::uint32_t value) {
    check(uc_reg_write(engine_, identifier, &value), "write a register");
}

}  // namespace emulator
