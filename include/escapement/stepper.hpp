#pragma once
// Stepping: a thread goes on by one instruction at a time, each step seen by a signal handler of its own.
//
// Contract. For one thread, from inside its own signal handlers. `step` arranges that the thread, once the
// handler has returned, executes one instruction and takes SIGTRAP before the next; in SIGTRAP's handler
// `take` says whether that stop was ours. After one of ours `step` or `done` must follow in the same handler.
//
//     Stepper::install(SIGTRAP, handler, no_others);
//     void handler(int, siginfo_t* information, void* context) {
//         if (stepper.take(*information, context)) { … stepper.step(context) or stepper.done(context); }
//     }
//
// Not one instruction are: an arm64 sequence from a load exclusive to its store exclusive, which no stop may
// break up (`retired` is the number on the path taken); x86's MOV SS with the instruction after it (2); one
// repetition of a repeated x86 string instruction (0 until the last). arm64's `b .`, which goes nowhere,
// stops at once and is not known to have retired.
//
// Signals. An instruction that faults stops at the first instruction of the fault's handler, if there is one.
// Asynchronous signals wait between steps: they are blocked in the context that the handler returns to, and
// unblocked by `done`. They come at system calls: one that waited already (before the call), one that the
// call sends or unblocks, one that ends its waiting; then too the stop is at the handler's first instruction.
// What the program does to its mask takes effect in the mask that it has after `done`. The handlers of
// signals lose SIGTRAP from their masks for good. A SIGTRAP of the program's own (int3, brk) is not ours:
// stepping goes on when its handler, called by the caller, has returned. Not stopped at: handlers for which
// the processor has no breakpoint left, at a call that waits with a mask of its own or creates a process,
// thread or program. Those begin with the program's own mask, and are not stepped.
//
// Breakpoints are what stops at handlers, and on x86 behind system calls. Some hypervisors take them and
// never meet them. x86 is stepped all the same there, by the trap flag alone: a system call is one step with
// the instruction after it (2), and handlers run unseen: their instructions are not counted, and no stop
// comes in them. Where the trap flag would go astray stepping ends, until step() is called again: at calls
// that create a process, thread or program, and at a system call that another one follows at once. A
// hypervisor may also forget the trap behind CPUID: then that is one step with the next instruction (2).
//
// Units: instructions. Errors: CounterFailure where the host has no breakpoints to give: also on x86, where
// system calls and faults need them; Refusal::no_support before Linux 5.13; Refusal::never_met on arm64.
// Thread safety: one thread; async-signal-safe; allocates nothing. Not to be moved between step and take.
// Sources: Intel SDM 3B, 17.3.1.4 (single-step, TF); AMD APM 2, 13.1.4; kernel, arch/x86/kernel/signal.c (TF
// is cleared for handlers), arch/x86/entry/common.c (SYSRET is not used to set TF); kernel,
// arch/arm64/kernel/hw_breakpoint.c (stepping over a breakpoint); Arm ARM, B2.9 (exclusive monitors), D2.10
// (breakpoints).

#include <escapement/counter.hpp>

#include <csignal>
#include <cstdint>

namespace escapement {

/// What a stop of ours tells.
struct Step {
    std::uintptr_t address = 0;  ///< of the instruction that runs next
    std::uint32_t retired = 0;   ///< instructions retired since step(): 1 mostly; 0 within a repeated string
                                 ///< instruction, and where the instruction faulted into a handler
    bool known = true;           ///< false: `retired` cannot be known, only counted
    bool ours = false;
    explicit operator bool() const { return ours; }
};

class Stepper {
  public:
    using Handler = void (*)(int, siginfo_t*, void*);
    /// Installs a handler from which threads are stepped, for SIGTRAP and whatever else begins it.
    /// Breakpoints are on while it runs: it must not execute, from its beginning until take() or after
    /// step(), an instruction that the stepped code may stop at (a function that both call). It returns by
    /// instructions of its own, and not by the kernel's, which the program's handlers share. SIGTRAP waits
    /// while it runs, and the signals of `mask`.
    static void install(int signal, Handler handler, const sigset_t& mask,
                        struct sigaction* before = nullptr);

    /// For the calling thread.
    static tl::expected<Stepper, CounterFailure> open();
    /// As where breakpoints are never met. arm64: Refusal::never_met.
    static tl::expected<Stepper, CounterFailure> open_without_breakpoints();

    Stepper(Stepper&& other) noexcept;
    Stepper& operator=(Stepper&& other) noexcept;
    Stepper(const Stepper&) = delete;
    Stepper& operator=(const Stepper&) = delete;
    ~Stepper();

    /// `context`: the third argument of the signal handler that runs. False if the host refused a breakpoint.
    [[nodiscard]] bool step(void* context);
    /// In the handler of SIGTRAP.
    [[nodiscard]] Step take(const siginfo_t& information, void* context);
    /// No more steps: the thread runs on when the handler has returned.
    void done(void* context);
    [[nodiscard]] bool stepping() const;
    /// It stops at the first instruction of a handler; false where breakpoints are never met.
    [[nodiscard]] bool sees_handlers() const;

  private:
    Stepper();
    /// What differs by processor: defined in platform/, in space that is enough for all.
    struct State;
    State& state();
    [[nodiscard]] const State& state() const;
    alignas(16) unsigned char storage_[640];
};

}  // namespace escapement
