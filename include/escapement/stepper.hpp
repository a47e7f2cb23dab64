#pragma once
// Stepping: a thread goes on by one instruction at a time, each step seen by a signal handler of its own.
//
// Contract. For one thread, from inside its own signal handlers. `step` arranges that the thread, once the
// handler has returned, executes one instruction and takes SIGTRAP before the next; in SIGTRAP's handler
// `take` says whether that stop was ours. What cannot be stopped in the middle is one step: an arm64 sequence
// from a load exclusive to its store exclusive. While stepping, asynchronous signals wait: they are blocked
// in the context that the handler returns to, and unblocked by `done`. An instruction that faults and so
// raises a signal with a handler stops at the first instruction of that handler.
//
//     void handler(int, siginfo_t* information, void* context) {
//         if (stepper.take(*information, context)) { … stepper.step(context) or stepper.done(context); }
//     }
//
// Units: instructions. Errors: CounterFailure where the host has no breakpoints to give (arm64).
// Thread safety: one thread; async-signal-safe; allocates nothing.
// Sources: Intel SDM 3B, 17.3.1.4 (single-step, TF); AMD APM 2, 13.1.4; kernel, arch/x86/kernel/signal.c (TF
// is cleared for handlers); kernel, arch/arm64/kernel/hw_breakpoint.c (stepping over a breakpoint); Arm ARM,
// B2.9 (exclusive monitors), D2.10 (breakpoints).

#include <escapement/counter.hpp>

#include <csignal>
#include <cstdint>

namespace escapement {

/// What a stop of ours tells.
struct Step {
    std::uintptr_t address = 0;  ///< of the instruction that runs next
    std::uint32_t retired = 0;   ///< instructions retired since step(): 1 mostly; 0 within a repeated string
                                 ///< instruction, and where the instruction faulted into a handler
    bool ours = false;
    explicit operator bool() const { return ours; }
};

class Stepper {
  public:
    /// For the calling thread.
    static tl::expected<Stepper, CounterFailure> open();

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

  private:
    Stepper();
    /// What differs by processor: defined in platform/, in space that is enough for all.
    struct State;
    State& state();
    [[nodiscard]] const State& state() const;
    alignas(16) unsigned char storage_[640];
};

}  // namespace escapement
