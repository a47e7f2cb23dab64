#include "stepped_signals.hpp"

#include "machine_context.hpp"
#include "raw_system_call.hpp"
#include "readable.hpp"

#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace escapement {

namespace {

SignalMask mask_in(const ucontext_t& context) {
    SignalMask mask = 0;
    std::memcpy(&mask, &context.uc_sigmask, sizeof(mask));
    return mask;
}

void set_mask(ucontext_t& context, SignalMask mask) {
    std::memcpy(&context.uc_sigmask, &mask, sizeof(mask));
}

/// The signal that a system call sends, perhaps to its own thread; 0 if it sends none.
int sent_by(const ucontext_t& context) {
    switch (system_call_number(context)) {
        case SYS_kill:
        case SYS_tkill:
        case SYS_rt_sigqueueinfo:
            return static_cast<int>(argument(context, 1));
        case SYS_tgkill:
        case SYS_rt_tgsigqueueinfo:
            return static_cast<int>(argument(context, 2));
        default:
            return 0;
    }
}

}  // namespace

SignalMask SteppedSignals::held(SignalMask program, SignalMask let_through) {
    const SignalMask asynchronous = ~(synchronous_signals | never_blocked);
    return (program | (asynchronous & ~let_through)) & ~mask_of(SIGTRAP);
}

void SteppedSignals::begin(const ucontext_t& context) {
    program_ = mask_in(context);
    kernel_ = held(program_, 0);
}

void SteppedSignals::hold(ucontext_t& context) {
    kernel_ = held(program_, 0);
    set_mask(context, kernel_);
}

void SteppedSignals::end(ucontext_t& context) const {
    // What a handler that was entered unseen has blocked is the program's as well.
    set_mask(context, program_ | (mask_in(context) & ~kernel_));
}

void SteppedSignals::add_fault_handlers(Breakpoints::Addresses& stops) const {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        if ((program_ & mask_of(signal)) != 0) continue;  // that would end the program
        const auto action = action_of(signal);
        if (action.has_handler()) stops.add(action.handler);
    }
}

void SteppedSignals::before_call(ucontext_t& context, Breakpoints::Addresses& stops, std::size_t capacity) {
    call_ = Call{.address = instruction_address(context)};
    const long number = system_call_number(context);
    const SignalMask waiting = pending_signals();
    // What comes at the call's end because the call unblocks it; what may come from its beginning on.
    SignalMask at_end = 0;
    SignalMask from_beginning = 0;
    bool always = false;
    const auto first_of = [](SignalMask mask) { return mask == 0 ? 0 : mask_of(lowest_of(mask)); };
    if (number == SYS_rt_sigprocmask || number == SYS_rt_sigreturn) {
        prepare_change(context, stops);
        if (call_.changes) at_end = first_of(waiting & ~call_.changed);
    } else if (prepare_own_mask(context)) {
        at_end = ~call_.during;
        always = true;
    } else if (inherits_mask(number)) {
        from_beginning = ~program_;
        always = true;
    } else if (const int signal = sent_by(context); signal >= 1 && signal <= 64) {
        from_beginning = mask_of(signal) & ~program_;
    } else {
        from_beginning = ~program_;
        if ((waiting & from_beginning) != 0) from_beginning = first_of(waiting & from_beginning);
    }
    call_.signal_first = (waiting & from_beginning) != 0;

    const SignalMask without_stop = add_handlers(stops, capacity, at_end | from_beginning);
    if (!always) {
        at_end &= ~without_stop;
        from_beginning &= ~without_stop;
    }
    add_handlers(stops, capacity, synchronous_signals & ~program_);
    set_mask(context, held(program_, from_beginning));
    kernel_ = call_.changes ? held(call_.changed, at_end) : held(program_, from_beginning);
    if (call_.changes) write_change(context);
}

void SteppedSignals::before_unseen_call(ucontext_t& context) {
    call_ = Call{.address = instruction_address(context)};
    Breakpoints::Addresses no_stops;
    if (system_call_number(context) == SYS_rt_sigreturn) prepare_change(context, no_stops);
    kernel_ = held(program_, ~program_);
    set_mask(context, kernel_);
    if (!call_.changes) return;
    kernel_ = held(call_.changed, ~call_.changed);
    write_change(context);
}

long SteppedSignals::change_mask_unseen(ucontext_t& context) {
    call_ = Call{.address = instruction_address(context)};
    Breakpoints::Addresses no_stops;
    prepare_change(context, no_stops);
    const long size = argument(context, 3);
    const long set = call_.changes ? 0 : argument(context, 1);  // if it does not change anything, it fails
    const long result =
        raw_system_call(SYS_rt_sigprocmask, argument(context, 0), set, argument(context, 2), size);
    if (result == 0 && call_.old_mask_to != 0)
        std::memcpy(reinterpret_cast<void*>(call_.old_mask_to), &program_, sizeof(program_));
    // EFAULT from where the old mask should go comes after the change.
    if (call_.changes && (result == 0 || result == -EFAULT)) program_ = call_.changed;
    call_ = Call{};  // all of it is done
    kernel_ = held(program_, ~program_);
    set_mask(context, kernel_);
    return result;
}

SignalMask SteppedSignals::add_handlers(Breakpoints::Addresses& stops, std::size_t capacity,
                                        SignalMask signals) {
    SignalMask without = 0;
    // Whoever steps may have one handler for SIGTRAP and other signals of his own: no stop in that.
    const auto stepping_handler = action_of(SIGTRAP).handler;
    for (SignalMask left = signals & ~(never_blocked | mask_of(SIGTRAP)); left != 0; left &= left - 1) {
        const int signal = lowest_of(left);
        const auto action = action_of(signal);
        if (!action.has_handler() || stops.contains(action.handler) || action.handler == stepping_handler)
            continue;
        if (stops.size() >= capacity || !stops.add(action.handler)) without |= mask_of(signal);
    }
    return without;
}

/// rt_sigprocmask or rt_sigreturn: what the program's mask will be.
void SteppedSignals::prepare_change(const ucontext_t& context, Breakpoints::Addresses& stops) {
    if (system_call_number(context) == SYS_rt_sigreturn) {
        const auto frame = reinterpret_cast<std::uintptr_t>(returned_to(context));
        char last = 0;
        SignalMask mask = 0;
        if (!copy_from(frame + offsetof(ucontext_t, uc_sigmask), &mask, sizeof(mask)) ||
            !copy_from(frame + offsetof(ucontext_t, uc_mcontext) + sizeof(mcontext_t) - 1, &last, 1))
            return;  // it will fault
        call_.changes = call_.returns = true;
        call_.changed = mask;
        stops.add(instruction_address(*returned_to(context)));
        return;
    }
    if (argument(context, 3) != sizeof(SignalMask)) return;
    call_.old_mask_to = static_cast<std::uintptr_t>(argument(context, 2));
    const auto from = static_cast<std::uintptr_t>(argument(context, 1));
    call_.changed = program_;
    SignalMask given = 0;
    if (from == 0 || !copy_from(from, &given, sizeof(given))) return;
    given &= ~never_blocked;
    switch (argument(context, 0)) {
        case SIG_BLOCK:
            call_.changed = program_ | given;
            break;
        case SIG_UNBLOCK:
            call_.changed = program_ & ~given;
            break;
        case SIG_SETMASK:
            call_.changed = given;
            break;
        default:
            return;
    }
    call_.changes = true;
}

/// Gives the kernel its mask where the program's would have been.
void SteppedSignals::write_change(ucontext_t& context) {
    if (call_.returns) {
        set_mask(*returned_to(context), kernel_);
        return;
    }
    switch (argument(context, 0)) {
        case SIG_BLOCK:
            ours_ = kernel_;
            break;
        case SIG_UNBLOCK:
            ours_ = ~kernel_;
            break;
        default:
            ours_ = kernel_;
            break;
    }
    replace(context, 1, &ours_);
}

/// Calls that wait with a mask of their own, as sigsuspend: true, and SIGTRAP is taken out of it.
bool SteppedSignals::prepare_own_mask(ucontext_t& context) {
    const auto given = [&](unsigned index) { return static_cast<std::uintptr_t>(argument(context, index)); };
    unsigned index = 0;
    std::uintptr_t mask_at = 0;
    switch (system_call_number(context)) {
        case SYS_rt_sigsuspend:
            mask_at = given(0);
            break;
        case SYS_ppoll:
            mask_at = given(index = 3);
            break;
        case SYS_epoll_pwait:
        case SYS_epoll_pwait2:
            mask_at = given(index = 4);
            break;
        case SYS_pselect6:
            index = 5;
            if (given(5) == 0 || !copy_from(given(5), &sixth_, sizeof(sixth_))) return false;
            mask_at = sixth_.mask;
            break;
        default:
            return false;
    }
    if (mask_at == 0 || !copy_from(mask_at, &call_.during, sizeof(call_.during))) return false;
    call_.own_mask = true;
    ours_ = call_.during & ~mask_of(SIGTRAP);
    sixth_.mask = reinterpret_cast<std::uintptr_t>(&ours_);
    replace(context, index, index == 5 ? static_cast<const void*>(&sixth_) : &ours_);
    return true;
}

bool SteppedSignals::inherits_mask(long number) {
    return number == SYS_clone || number == SYS_clone3 || number == SYS_execve || number == SYS_execveat ||
           number == fork_call || number == vfork_call;
}

void SteppedSignals::replace(ucontext_t& context, unsigned index, const void* value) {
    call_.replaced = index;
    call_.replaced_value = argument(context, index);
    set_argument(context, index, reinterpret_cast<long>(value));
}

void SteppedSignals::after_call(ucontext_t& context, bool entered) {
    ucontext_t& after = entered ? *interrupted(context) : context;
    const bool executed = call_.returns || instruction_address(after) != call_.address;
    if (call_.replaced != none) {
        if (executed) {
            restore_argument(after, call_.replaced, call_.replaced_value);
        } else {
            set_argument(after, call_.replaced, call_.replaced_value);
        }
    }
    if (!executed) return;
    const SignalMask before = program_;
    const long result = call_.returns ? 0 : system_call_result(after);
    // EFAULT from where the old mask should go comes after the change.
    if (call_.changes && (result == 0 || result == -EFAULT)) program_ = call_.changed;
    if (call_.old_mask_to != 0 && result == 0)
        std::memcpy(reinterpret_cast<void*>(call_.old_mask_to), &before, sizeof(before));
}

void SteppedSignals::entered_handler(ucontext_t& context) {
    ucontext_t& frame = *interrupted(context);
    // Another handler below this one has its own signals blocked in that mask.
    const SignalMask ours_only = kernel_ & ~program_;
    const SignalMask interrupted_mask = (mask_in(frame) & ~ours_only) | (program_ & mask_of(SIGTRAP));
    set_mask(frame, interrupted_mask);
    const int signal = interrupting_signal(context);
    const auto action = action_of(signal);
    program_ = (call_.own_mask ? call_.during : interrupted_mask) | action.mask;
    if ((action.flags & SA_NODEFER) == 0) program_ |= mask_of(signal);
}

}  // namespace escapement
