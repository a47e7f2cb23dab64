#pragma once
// Signals of a thread that is stepped: which wait, which come, and what the program believes of its mask.
//
// Contract. Two masks: the program's own, which it sees and changes as ever, and the kernel's, in which
// asynchronous signals are blocked as well, so that none gets between two steps, and SIGTRAP is not. A system
// call is where a signal may come: one that waits already, one that the call sends or unblocks, or one that
// the call waits for. Then the thread stops at the first instruction of the handler. `begin` before the first
// step, `hold` before each, `end` after the last; for a system call `before_call` in place of `hold`, and
// `after_call`.
//
//     signals.begin(context); signals.hold(context); … signals.end(context);
//
// A new process, thread or program inherits the mask: for these calls it is the program's own. Where more
// handlers might run than there are breakpoints, signals wait on, unless the call has its own mask or is
// inherited from: such handlers run unseen.
// Thread safety: one thread, in its signal handlers; async-signal-safe; allocates nothing.
// Sources: kernel, kernel/signal.c (next_signal, signal_delivered), fs/select.c (poll_select_finish);
// rt_sigprocmask(2), sigreturn(2), sigsuspend(2), ppoll(2), epoll_pwait(2).

#include "breakpoints.hpp"
#include "signal_actions.hpp"

#include <ucontext.h>

namespace escapement {

class SteppedSignals {
  public:
    void begin(const ucontext_t& context);
    void hold(ucontext_t& context);
    void end(ucontext_t& context) const;

    /// The handlers of faults that the program has installed are added to `stops`.
    void add_fault_handlers(Breakpoints::Addresses& stops) const;

    /// `context` is about to execute a system call. Adds the handlers that may run to `stops`, `capacity` in
    /// all; for rt_sigreturn also the place that it returns to, if that can be read.
    void before_call(ucontext_t& context, Breakpoints::Addresses& stops, std::size_t capacity);
    /// The same where handlers run unseen: signals come as if nobody stepped.
    void before_unseen_call(ucontext_t& context);
    /// Does an rt_sigprocmask that `context` is about to execute, without the kernel's seeing the program's
    /// mask; what that unblocks comes unseen. Gives the call's result.
    long change_mask_unseen(ucontext_t& context);
    /// `entered`: a handler's first instruction comes next, not what follows the call.
    void after_call(ucontext_t& context, bool entered);
    /// True if a signal waited already, and so came before the system call.
    [[nodiscard]] bool signal_came_first() const { return call_.signal_first; }
    /// A handler's first instruction comes next: what it will return to gets the program's mask.
    void entered_handler(ucontext_t& context);
    /// A call whose new thread, process or program gets the caller's mask.
    static bool inherits_mask(long number);

  private:
    static constexpr unsigned none = 6;
    /// The system call that is being stepped.
    struct Call {
        std::uintptr_t address = 0;
        bool signal_first = false;
        bool changes = false;  ///< the program's mask, to `changed`
        bool returns = false;  ///< from a handler
        SignalMask changed = 0;
        std::uintptr_t old_mask_to = 0;
        bool own_mask = false;  ///< it waits with a mask of its own: `during`
        SignalMask during = 0;
        unsigned replaced = none;  ///< the argument that points to ours instead of the program's
        long replaced_value = 0;
    };

    /// The kernel's mask, so that all signals but `let_through` wait.
    [[nodiscard]] static SignalMask held(SignalMask program, SignalMask let_through);
    /// Those for whose handlers there was no room.
    static SignalMask add_handlers(Breakpoints::Addresses& stops, std::size_t capacity, SignalMask signals);
    void prepare_change(const ucontext_t& context, Breakpoints::Addresses& stops);
    void write_change(ucontext_t& context);
    bool prepare_own_mask(ucontext_t& context);
    void replace(ucontext_t& context, unsigned index, const void* value);

    SignalMask program_ = 0;  ///< what the program believes
    SignalMask kernel_ = 0;   ///< what is so once the step is over
    Call call_;
    // What arguments point to in place of the program's.
    SignalMask ours_ = 0;
    struct SixthArgument {
        std::uintptr_t mask = 0;
        std::size_t size = 0;
    } sixth_;
};

}  // namespace escapement
