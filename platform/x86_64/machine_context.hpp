#pragma once
// What the stepper reads and writes of an interrupted thread on x86-64, under names that are the same for
// every processor. Sources: kernel, arch/x86/include/uapi/asm/sigcontext.h, arch/x86/kernel/signal_64.c (the
// frame: return address, ucontext, siginfo); syscall(2).

#include <sys/syscall.h>
#include <ucontext.h>

#include <array>
#include <cstdint>

namespace escapement {

/// Of an execute breakpoint, as perf wants it.
constexpr std::uint64_t breakpoint_length = sizeof(long);

/// System calls that other processors do without.
constexpr long fork_call = SYS_fork;
constexpr long vfork_call = SYS_vfork;

inline std::uintptr_t instruction_address(const ucontext_t& context) {
    return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
}

inline std::uintptr_t stack_pointer(const ucontext_t& context) {
    return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
}

/// A thread that is about to execute a system call: which.
inline long system_call_number(const ucontext_t& context) {
    return static_cast<long>(context.uc_mcontext.gregs[REG_RAX]);
}

inline long system_call_result(const ucontext_t& context) {
    return static_cast<long>(context.uc_mcontext.gregs[REG_RAX]);
}

constexpr std::array argument_registers{REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

inline long argument(const ucontext_t& context, unsigned index) {
    return static_cast<long>(context.uc_mcontext.gregs[argument_registers[index]]);
}

inline void set_argument(ucontext_t& context, unsigned index, long value) {
    context.uc_mcontext.gregs[argument_registers[index]] = value;
}

/// The same after the call: every argument is still in its register.
inline void restore_argument(ucontext_t& context, unsigned index, long value) {
    set_argument(context, index, value);
}

/// A thread at the first instruction of a signal's handler: what was interrupted, and by which signal.
inline ucontext_t* interrupted(const ucontext_t& context) {
    return reinterpret_cast<ucontext_t*>(stack_pointer(context) + sizeof(long));
}

inline int interrupting_signal(const ucontext_t& context) {
    return static_cast<int>(context.uc_mcontext.gregs[REG_RDI]);
}

/// A thread that is about to execute rt_sigreturn: what it will return to.
inline ucontext_t* returned_to(const ucontext_t& context) {
    return reinterpret_cast<ucontext_t*>(stack_pointer(context));
}

}  // namespace escapement
