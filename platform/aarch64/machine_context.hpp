#pragma once
// What the stepper reads and writes of an interrupted thread on arm64, under names that are the same for
// every processor. Sources: kernel, arch/arm64/include/uapi/asm/sigcontext.h, arch/arm64/kernel/signal.c
// (struct rt_sigframe: siginfo, ucontext); syscall(2).

#include <ucontext.h>

#include <csignal>
#include <cstdint>

namespace escapement {

/// Of an execute breakpoint, as perf wants it.
constexpr std::uint64_t breakpoint_length = 4;

/// System calls that only other processors have.
constexpr long fork_call = -1;
constexpr long vfork_call = -1;

inline std::uintptr_t instruction_address(const ucontext_t& context) {
    return context.uc_mcontext.pc;
}

inline std::uintptr_t stack_pointer(const ucontext_t& context) {
    return context.uc_mcontext.sp;
}

/// A thread that is about to execute a system call: which.
inline long system_call_number(const ucontext_t& context) {
    return static_cast<long>(context.uc_mcontext.regs[8]);
}

inline long system_call_result(const ucontext_t& context) {
    return static_cast<long>(context.uc_mcontext.regs[0]);
}

inline long argument(const ucontext_t& context, unsigned index) {
    return static_cast<long>(context.uc_mcontext.regs[index]);
}

inline void set_argument(ucontext_t& context, unsigned index, long value) {
    context.uc_mcontext.regs[index] = static_cast<unsigned long>(value);
}

/// The same after the call: the first argument has given way to the result.
inline void restore_argument(ucontext_t& context, unsigned index, long value) {
    if (index != 0) set_argument(context, index, value);
}

/// A thread at the first instruction of a signal's handler: what was interrupted, and by which signal.
inline ucontext_t* interrupted(const ucontext_t& context) {
    return reinterpret_cast<ucontext_t*>(stack_pointer(context) + sizeof(siginfo_t));
}

inline int interrupting_signal(const ucontext_t& context) {
    return static_cast<int>(context.uc_mcontext.regs[0]);
}

/// A thread that is about to execute rt_sigreturn: what it will return to.
inline ucontext_t* returned_to(const ucontext_t& context) {
    return interrupted(context);
}

}  // namespace escapement
