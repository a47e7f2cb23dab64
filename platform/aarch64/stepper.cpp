// Stepping by breakpoints, for user space has no trap flag: at wherever the instruction goes on, and at the
// handlers of the signals that it may raise.

#include "machine_context.hpp"
#include "next_instruction.hpp"
#include "readable.hpp"
#include "stepped_signals.hpp"

#include <escapement/stepper.hpp>

#include <sys/syscall.h>

#include <cstring>
#include <new>
#include <utility>

namespace escapement {

namespace {

constexpr std::size_t breakpoints_wanted = Breakpoints::most;
/// Of a sequence from a load exclusive to its store; the architecture asks for no more than 128 bytes.
constexpr std::size_t sequence_words = 32;

aarch64::Registers registers_of(const ucontext_t& context) {
    aarch64::Registers registers;
    const auto& machine = context.uc_mcontext;
    for (std::size_t index = 0; index < registers.x.size(); ++index)
        registers.x[index] = machine.regs[index];
    registers.sp = machine.sp;
    registers.pc = machine.pc;
    registers.pstate = machine.pstate;
    return registers;
}

}  // namespace

struct Stepper::State {
    Breakpoints breakpoints;
    SteppedSignals signals;
    Breakpoints::Addresses fault_handlers;
    Readable readable;
    bool stepping = false;
    bool handlers_known = false;
    bool call = false;
    std::uintptr_t from = 0;
    std::uintptr_t expected = 0;  ///< where a system call goes on
    std::uintptr_t stack = 0;     ///< at `from`
    std::uintptr_t link = 0;
    std::array<aarch64::Exit, aarch64::ExclusiveSequence::most> exits{};
    std::size_t exits_number = 0;

    bool begin_call(ucontext_t& context);
    bool begin_ordinary(ucontext_t& context);
    void find_exits(const aarch64::Registers& registers);
    [[nodiscard]] bool entered_handler(const ucontext_t& context) const;
    [[nodiscard]] std::uint32_t retired_at(std::uintptr_t address) const;
};

bool Stepper::State::begin_call(ucontext_t& context) {
    call = true;
    handlers_known = false;
    readable.forget();
    expected = from + aarch64::instruction_size;
    const bool returns = system_call_number(context) == SYS_rt_sigreturn;
    Breakpoints::Addresses stops;
    if (!returns) stops.add(expected);
    signals.before_call(context, stops, breakpoints.capacity());
    if (returns && stops.size() > 0) expected = stops[0];
    return breakpoints.set(stops);
}

void Stepper::State::find_exits(const aarch64::Registers& registers) {
    exits_number = 0;
    std::array<std::uint32_t, sequence_words> text{};
    if (!readable(from)) {  // it will fault
        exits[exits_number++] = {.address = from + aarch64::instruction_size, .retired = 1};
        return;
    }
    std::memcpy(text.data(), reinterpret_cast<const void*>(from), sizeof(std::uint32_t));
    if (aarch64::is_load_exclusive(text[0])) {
        std::size_t words = 1;
        for (; words < text.size() && readable(from + words * sizeof(std::uint32_t)); ++words)
            std::memcpy(&text[words], reinterpret_cast<const void*>(from + words * sizeof(std::uint32_t)),
                        sizeof(std::uint32_t));
        std::uint64_t value = 0;
        copy_from(aarch64::exclusive_address(text[0], registers), &value, aarch64::exclusive_size(text[0]));
        const auto sequence = aarch64::exclusive_sequence(text.data(), words, registers, value);
        exits_number = sequence.number;
        exits = sequence.exits;
    }
    if (exits_number == 0)
        exits[exits_number++] = {.address = aarch64::next_address(text[0], registers), .retired = 1};
}

bool Stepper::State::begin_ordinary(ucontext_t& context) {
    call = false;
    signals.hold(context);
    if (!handlers_known) {
        fault_handlers.clear();
        signals.add_fault_handlers(fault_handlers);
        handlers_known = true;
    }
    find_exits(registers_of(context));
    Breakpoints::Addresses stops;
    for (std::size_t index = 0; index < exits_number; ++index) {
        // Where nothing can be executed there is no breakpoint either: going there faults.
        const auto address = exits[index].address;
        if (address % aarch64::instruction_size == 0 && address >> 52 == 0) stops.add(address);
    }
    for (std::size_t index = 0; index < fault_handlers.size(); ++index) {
        if (stops.size() < breakpoints.capacity() && fault_handlers[index] != from)
            stops.add(fault_handlers[index]);
    }
    return breakpoints.set(stops);
}

/// Only a signal changes both the stack pointer and the link register on the way to a handler: a branch to it
/// leaves the stack alone.
bool Stepper::State::entered_handler(const ucontext_t& context) const {
    const auto address = instruction_address(context);
    if (call) return address != expected;
    return fault_handlers.contains(address) && stack_pointer(context) != stack &&
           context.uc_mcontext.regs[30] != link;
}

std::uint32_t Stepper::State::retired_at(std::uintptr_t address) const {
    for (std::size_t index = 0; index < exits_number; ++index) {
        if (exits[index].address == address) return exits[index].retired;
    }
    return 0;
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

tl::expected<Stepper, CounterFailure> Stepper::open_without_breakpoints() {
    return tl::unexpected(CounterFailure{.refusal = Refusal::never_met});
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
    return true;
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
    now.stack = stack_pointer(machine);
    now.link = machine.uc_mcontext.regs[30];
    std::uint32_t word = 0;
    if (now.readable(now.from)) std::memcpy(&word, reinterpret_cast<const void*>(now.from), sizeof(word));
    const bool begun = aarch64::is_system_call(word) ? now.begin_call(machine) : now.begin_ordinary(machine);
    if (!begun) done(context);
    return begun;
}

Step Stepper::take(const siginfo_t& information, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    auto& now = state();
    if (!now.stepping || !Breakpoints::hit(information)) return {};
    Step stop{.address = instruction_address(machine), .retired = 1, .ours = true};
    const bool entered = now.entered_handler(machine);
    if (now.call) {
        now.signals.after_call(machine, entered);
        if (entered && now.signals.signal_came_first()) stop.retired = 0;
    } else if (entered) {
        // Of an exclusive sequence some may have run before the fault; of anything else nothing.
        stop.retired = static_cast<std::uint32_t>((instruction_address(*interrupted(machine)) - now.from) /
                                                  sizeof(std::uint32_t));
    } else {
        stop.retired = now.retired_at(stop.address);
        if (stop.address == now.from) stop.retired = 0;  // a branch to itself: nothing tells how often
        stop.known = stop.retired != 0;
    }
    if (entered) now.signals.entered_handler(machine);
    return stop;
}

void Stepper::done(void* context) {
    auto& now = state();
    if (!now.stepping) return;
    now.stepping = false;
    now.breakpoints.clear();
    now.signals.end(*static_cast<ucontext_t*>(context));
}

}  // namespace escapement
