// Stepping by the trap flag, and by breakpoints where it does not stop in time: after system calls, and at
// the handlers of faults, for which the kernel clears it. By the trap flag alone where breakpoints are never
// met: then a system call and the instruction after it are one step, and handlers run unseen.

#include "instruction.hpp"
#include "machine_context.hpp"
#include "raw_system_call.hpp"
#include "readable.hpp"
#include "stepped_signals.hpp"

#include <escapement/stepper.hpp>

#include <sys/syscall.h>

#include <array>
#include <new>
#include <utility>

namespace escapement {

namespace {

constexpr greg_t trap_flag = 0x100;
constexpr greg_t resume_flag = 0x10000;  ///< passes one breakpoint once
constexpr int trap_trace = 2;            // TRAP_TRACE
constexpr std::size_t breakpoints_wanted = 4;
constexpr std::uintptr_t vsyscall_page = 0xffffffffff600000U;

}  // namespace

struct Stepper::State {
    Breakpoints breakpoints;
    Breakpoints::Addresses fault_handlers;
    SteppedSignals signals;
    Readable readable;
    bool stepping = false;
    bool by_trap_flag = false;
    bool call_by_trap_flag = false;
    bool handlers_known = false;
    std::uintptr_t from = 0;
    std::uintptr_t expected = 0;  ///< where a call goes on if no signal comes
    greg_t flags_in_r11 = 0;      ///< what such a call leaves there
    Instruction instruction;

    [[nodiscard]] bool has_breakpoints() const { return breakpoints.capacity() > 0; }
    bool begin_call(ucontext_t& context);
    bool begin_call_by_trap_flag(ucontext_t& context);
    bool begin_ordinary(ucontext_t& context);
    bool do_virtual_call(ucontext_t& context);
    Step take_at_trap_flag(ucontext_t& context);
    Step take_at_breakpoint(ucontext_t& context);
};

/// A system call: no trap flag, which would stop too late and get into r11.
bool Stepper::State::begin_call(ucontext_t& context) {
    Breakpoints::Addresses stops;
    if (instruction.kind == Instruction::Kind::system_call) {
        if (system_call_number(context) != SYS_rt_sigreturn) stops.add(expected);
        signals.before_call(context, stops, breakpoints.capacity());
        if (system_call_number(context) == SYS_rt_sigreturn && stops.size() > 0) {
            expected = stops[0];
            // A fault's frame says to pass the instruction's breakpoint once (Intel SDM 3B, 17.3.1.1).
            returned_to(context)->uc_mcontext.gregs[REG_EFL] &= ~resume_flag;
        }
    } else {
        stops.add(expected);
        signals.hold(context);
    }
    return breakpoints.set(stops);
}

/// False for a call that this must not be done to: a new thread or process would inherit the flag, and a call
/// that follows at once would run without being prepared. Or it will fault.
bool Stepper::State::begin_call_by_trap_flag(ucontext_t& context) {
    const bool old = instruction.kind == Instruction::Kind::old_system_call;
    const long number = system_call_number(context);
    ucontext_t* const frame = !old && number == SYS_rt_sigreturn ? returned_to(context) : nullptr;
    if (frame != nullptr && !copy_from(reinterpret_cast<std::uintptr_t>(&frame->uc_mcontext.gregs[REG_RIP]),
                                       &expected, sizeof(expected)))
        return false;
    if (SteppedSignals::inherits_mask(number) || instruction_at(expected, readable).calls()) return false;
    auto* const registers = context.uc_mcontext.gregs;
    by_trap_flag = call_by_trap_flag = true;
    flags_in_r11 = (registers[REG_EFL] | trap_flag) & ~resume_flag;
    if (old) {
        signals.hold(context);
    } else if (number == SYS_rt_sigprocmask) {
        registers[REG_RAX] = signals.change_mask_unseen(context);
        registers[REG_RIP] = registers[REG_RCX] = static_cast<greg_t>(expected);
        registers[REG_R11] = flags_in_r11;
    } else {
        signals.before_unseen_call(context);
    }
    registers[REG_EFL] |= trap_flag;
    if (frame != nullptr) frame->uc_mcontext.gregs[REG_EFL] |= trap_flag;
    return true;
}

/// The old page of system calls, which the kernel does in place of its instructions when somebody jumps
/// there. It returns as from a fault, past any breakpoint: so it is done here. False: it will fault.
bool Stepper::State::do_virtual_call(ucontext_t& context) {
    static constexpr std::array calls{SYS_gettimeofday, SYS_time, SYS_getcpu};
    const std::uintptr_t call = (from - vsyscall_page) / 0x400;
    auto* const registers = context.uc_mcontext.gregs;
    std::uintptr_t back = 0;
    if (from % 0x400 != 0 || call >= calls.size() || !copy_from(stack_pointer(context), &back, sizeof(back)))
        return false;
    registers[REG_RAX] =
        raw_system_call(calls[call], registers[REG_RDI], registers[REG_RSI], registers[REG_RDX]);
    registers[REG_RIP] = static_cast<greg_t>(back);
    registers[REG_RSP] += sizeof(back);
    from = back;
    return true;
}

bool Stepper::State::begin_ordinary(ucontext_t& context) {
    by_trap_flag = true;
    signals.hold(context);
    if (!handlers_known && has_breakpoints()) {
        fault_handlers.clear();
        signals.add_fault_handlers(fault_handlers);
        if (!breakpoints.set(fault_handlers)) return false;
        handlers_known = true;
    }
    context.uc_mcontext.gregs[REG_EFL] |= trap_flag;
    return true;
}

Stepper::Stepper() {
    static_assert(sizeof(State) <= sizeof(storage_) && alignof(State) <= 16);
    new (storage_) State;
}

Stepper::State& Stepper::state() {
    return *std::launder(reinterpret_cast<State*>(storage_));
}
const Stepper::State& Stepper::state() const {
    return *std::launder(reinterpret_cast<const State*>(storage_));
}

tl::expected<Stepper, CounterFailure> Stepper::open() {
    Stepper stepper;
    const auto opened = stepper.state().breakpoints.open(breakpoints_wanted);
    if (!opened && opened.error().refusal != Refusal::never_met) return tl::unexpected(opened.error());
    return stepper;
}

tl::expected<Stepper, CounterFailure> Stepper::open_without_breakpoints() {
    return Stepper();
}

Stepper::Stepper(Stepper&& other) noexcept : Stepper() {
    *this = std::move(other);
}

Stepper& Stepper::operator=(Stepper&& other) noexcept {
    std::swap(state(), other.state());
    return *this;
}

Stepper::~Stepper() {
    state().breakpoints.close();
}

bool Stepper::stepping() const {
    return state().stepping;
}

bool Stepper::sees_handlers() const {
    return state().has_breakpoints();
}

bool Stepper::step(void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    if (!now.stepping) {
        now.signals.begin(machine);
        now.handlers_known = false;
        now.readable.forget();
    }
    now.stepping = true;
    now.by_trap_flag = now.call_by_trap_flag = false;
    now.from = instruction_address(machine);
    const bool faults = (now.from & ~std::uintptr_t{0xfff}) == vsyscall_page && !now.do_virtual_call(machine);
    now.instruction = faults ? Instruction{} : instruction_at(now.from, now.readable);
    const bool calls = now.instruction.calls();
    if (calls) {
        now.handlers_known = false;
        now.readable.forget();
        now.expected = now.from + now.instruction.length;
    }
    if (calls && !now.has_breakpoints()) {
        if (!now.begin_call_by_trap_flag(machine)) done(context);
        return true;
    }
    const bool begun = calls ? now.begin_call(machine) : now.begin_ordinary(machine);
    if (now.breakpoints.at(now.from)) machine.uc_mcontext.gregs[REG_EFL] |= resume_flag;
    if (!begun) done(context);
    return begun;
}

/// After an instruction, and the next one where the processor or a hypervisor forgets the trap between them.
Step Stepper::State::take_at_trap_flag(ucontext_t& context) {
    using Kind = Instruction::Kind;
    Step stop{.address = instruction_address(context), .retired = 1, .ours = true};
    if (call_by_trap_flag && instruction.kind == Kind::system_call) {
        greg_t& r11 = context.uc_mcontext.gregs[REG_R11];
        if ((r11 & ~resume_flag) == flags_in_r11) r11 &= ~trap_flag;
        signals.after_call(context, false);
    }
    const bool hidden = instruction.may_hide_trap() && stop.address != from + instruction.length;
    if (call_by_trap_flag || hidden) {
        from = call_by_trap_flag ? expected : from + instruction.length;
        instruction = instruction_at(from, readable);
        ++stop.retired;
    }
    if (instruction.kind == Kind::pushes_flags) {
        *reinterpret_cast<std::uint16_t*>(stack_pointer(context)) &= static_cast<std::uint16_t>(~trap_flag);
    } else if (instruction.kind == Kind::repeated && stop.address == from) {
        --stop.retired;
    } else if (instruction.calls()) {
        stop.known = false;  // and what came behind it as well
    }
    return stop;
}

/// Behind a system call, or at the first instruction of a handler.
Step Stepper::State::take_at_breakpoint(ucontext_t& context) {
    Step stop{.address = instruction_address(context), .retired = 1, .ours = true};
    if (by_trap_flag) {
        // It faulted; the frame would bring the trap flag back when nobody steps any more.
        stop.retired = 0;
        interrupted(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
        signals.entered_handler(context);
        return stop;
    }
    const bool entered = stop.address != expected;
    if (instruction.kind == Instruction::Kind::system_call) signals.after_call(context, entered);
    if (entered) {
        stop.retired = signals.signal_came_first() ? 0 : 1;
        signals.entered_handler(context);
    }
    return stop;
}

Step Stepper::take(const siginfo_t& information, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    const bool traced = information.si_signo == SIGTRAP && information.si_code == trap_trace;
    greg_t& flags = machine.uc_mcontext.gregs[REG_EFL];
    if (!now.stepping && !now.has_breakpoints() && traced && (flags & trap_flag) != 0) {
        // A handler was entered unseen, stepping ended in it, and what it returned to has the flag still.
        flags &= ~trap_flag;
        return {.address = instruction_address(machine), .retired = 1, .ours = true};
    }
    const bool at_breakpoint = Breakpoints::hit(information);
    if (!now.stepping || (!at_breakpoint && !(traced && now.by_trap_flag))) return {};
    flags &= ~trap_flag;
    return at_breakpoint ? now.take_at_breakpoint(machine) : now.take_at_trap_flag(machine);
}

void Stepper::done(void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    if (!now.stepping) return;
    now.stepping = false;
    now.breakpoints.clear();
    now.signals.end(machine);
    machine.uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
}

}  // namespace escapement
