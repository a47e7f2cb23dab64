// Stepping by the trap flag, and by breakpoints where it does not stop in time: after system calls, and at
// the handlers of faults, for which the kernel clears it.

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
    bool handlers_known = false;
    std::uintptr_t from = 0;
    std::uintptr_t expected = 0;  ///< where a step by breakpoint ends if no signal comes
    Instruction instruction;

    bool begin_call(ucontext_t& context);
    bool begin_ordinary(ucontext_t& context);
    bool begin_virtual_call(ucontext_t& context);
};

/// A system call: no trap flag, which would stop too late and get into r11.
bool Stepper::State::begin_call(ucontext_t& context) {
    by_trap_flag = false;
    handlers_known = false;
    readable.forget();
    expected = from + instruction.length;
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

/// The old page of system calls, which the kernel does in place of its instructions when somebody jumps
/// there. It returns as from a fault, past any breakpoint: so it is done here.
bool Stepper::State::begin_virtual_call(ucontext_t& context) {
    static constexpr std::array calls{SYS_gettimeofday, SYS_time, SYS_getcpu};
    by_trap_flag = false;
    signals.hold(context);
    const std::uintptr_t call = (from - vsyscall_page) / 0x400;
    auto* const registers = context.uc_mcontext.gregs;
    if (from % 0x400 != 0 || call >= calls.size() ||
        !copy_from(stack_pointer(context), &expected, sizeof(expected)))
        return begin_ordinary(context);  // it will fault
    registers[REG_RAX] =
        raw_system_call(calls[call], registers[REG_RDI], registers[REG_RSI], registers[REG_RDX]);
    registers[REG_RIP] = static_cast<greg_t>(expected);
    registers[REG_RSP] += sizeof(expected);
    Breakpoints::Addresses stops;
    stops.add(expected);
    handlers_known = false;
    return breakpoints.set(stops);
}

bool Stepper::State::begin_ordinary(ucontext_t& context) {
    by_trap_flag = true;
    signals.hold(context);
    if (!handlers_known) {
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
    if (auto opened = stepper.state().breakpoints.open(breakpoints_wanted); !opened)
        return tl::unexpected(opened.error());
    return stepper;
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

bool Stepper::step(void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    if (!now.stepping) {
        now.signals.begin(machine);
        now.handlers_known = false;
        now.readable.forget();
    }
    now.stepping = true;
    now.from = instruction_address(machine);
    bool begun = false;
    if ((now.from & ~std::uintptr_t{0xfff}) == vsyscall_page) {
        now.instruction = {};
        begun = now.begin_virtual_call(machine);
    } else {
        now.instruction = instruction_at(now.from, now.readable);
        const auto kind = now.instruction.kind;
        const bool call =
            kind == Instruction::Kind::system_call || kind == Instruction::Kind::old_system_call;
        begun = call ? now.begin_call(machine) : now.begin_ordinary(machine);
    }
    if (now.breakpoints.at(now.from)) machine.uc_mcontext.gregs[REG_EFL] |= resume_flag;
    if (!begun) done(context);
    return begun;
}

Step Stepper::take(const siginfo_t& information, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    if (!now.stepping) return {};
    const bool at_breakpoint = Breakpoints::hit(information);
    const bool traced =
        information.si_signo == SIGTRAP && information.si_code == trap_trace && now.by_trap_flag;
    if (!at_breakpoint && !traced) return {};

    using Kind = Instruction::Kind;
    Step stop{.address = instruction_address(machine), .retired = 1, .ours = true};
    machine.uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
    if (now.by_trap_flag && at_breakpoint) {
        // It faulted; the frame would bring the trap flag back when nobody steps any more.
        stop.retired = 0;
        interrupted(machine)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
        now.signals.entered_handler(machine);
    } else if (now.by_trap_flag) {
        switch (now.instruction.kind) {
            case Kind::pushes_flags:
                *reinterpret_cast<std::uint16_t*>(stack_pointer(machine)) &=
                    static_cast<std::uint16_t>(~trap_flag);
                break;
            case Kind::repeated:
                stop.retired = stop.address == now.from ? 0 : 1;
                break;
            case Kind::loads_stack_segment:
                stop.retired = stop.address == now.from + now.instruction.length ? 1 : 2;
                break;
            default:
                break;
        }
    } else {
        const bool entered = stop.address != now.expected;
        if (now.instruction.kind == Kind::system_call) now.signals.after_call(machine, entered);
        if (entered) {
            stop.retired = now.signals.signal_came_first() ? 0 : 1;
            now.signals.entered_handler(machine);
        }
        if (now.instruction.kind == Kind::ordinary) stop.retired = 0;
    }
    return stop;
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
