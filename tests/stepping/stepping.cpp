#include "stepping.hpp"

#include "stepped_call.hpp"

#include <escapement/stepper.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace escapement::test {

namespace {

struct KernelAction {
    std::uintptr_t handler;
    unsigned long flags;
    std::uintptr_t restorer;
    std::uint64_t mask;
};

void act(int signal, const KernelAction& action) {
    syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof(std::uint64_t));
}

constexpr std::size_t room = 200'000;
std::array<std::uintptr_t, room> stops;
struct {
    Stepper* stepper;
    std::uintptr_t begin;
    std::uintptr_t end;
    std::size_t most;
    bool (*at_most)(void*);
    std::size_t number;
    std::uint64_t retired;
    std::size_t strangers;
    std::size_t unknown;
    bool refused;
} now;

/// Steps from the int3 on; notes what lies between the function's first instruction and its return.
void on_trap(int, siginfo_t* information, void* context) {
    auto& stepper = *now.stepper;
    if (!stepper.stepping()) {
        pass_trap(context);
        if (!stepper.step(context)) now.refused = true;
        return;
    }
    const Step stop = stepper.take(*information, context);
    if (!stop) {
        ++now.strangers;
        pass_trap(context);
        return;
    }
    if (now.number > 0 || stop.address == now.begin) {
        if (now.number > 0) {
            now.retired += stop.retired;
            now.unknown += stop.known ? 0 : 1;
        }
        const bool most = now.number == now.most && (now.at_most == nullptr || !now.at_most(context));
        if (stop.address == now.end || most || now.number == room) {
            if (now.number < room) stops[now.number++] = stop.address;
            stepper.done(context);
            return;
        }
        stops[now.number++] = stop.address;
    }
    if (!stepper.step(context)) now.refused = true;
}

bool without_breakpoints = false;

/// Not for longer than it steps: it holds the breakpoints, of which a processor has few.
tl::expected<Stepper, CounterFailure> open_stepper() {
    return without_breakpoints ? Stepper::open_without_breakpoints() : Stepper::open();
}

}  // namespace

const char* no_steps_because() {
    return open_stepper() ? "" : "no steps: the host gives no breakpoints to this process";
}

bool steps_see_handlers() {
    return open_stepper()->sees_handlers();
}

WithoutBreakpoints::WithoutBreakpoints() {
    without_breakpoints = true;
}

WithoutBreakpoints::~WithoutBreakpoints() {
    without_breakpoints = false;
}

Trace step_through(Code code, void* argument, std::size_t most, bool (*at_most)(void*)) {
    auto stepper = open_stepper();
    now = {.stepper = &*stepper,
           .begin = reinterpret_cast<std::uintptr_t>(code),
           .end = reinterpret_cast<std::uintptr_t>(&escapement_stepped_call_after),
           .most = most,
           .at_most = at_most,
           .number = 0,
           .retired = 0,
           .strangers = 0,
           .unknown = 0,
           .refused = false};
    const sigset_t none{};
    KernelAction before{};
    syscall(SYS_rt_sigaction, SIGTRAP, nullptr, &before, sizeof(before.mask));
    Stepper::install(SIGTRAP, &on_trap, none);
    Trace trace;
    trace.result = escapement_stepped_call(code, argument);
    act(SIGTRAP, before);
    trace.addresses.assign(stops.begin(), stops.begin() + static_cast<std::ptrdiff_t>(now.number));
    trace.retired = now.retired;
    trace.strangers = now.strangers;
    trace.unknown = now.unknown;
    trace.refused = now.refused;
    return trace;
}

void install(int signal, void (*handler)(), std::uint64_t mask, unsigned long flags) {
    act(signal, {.handler = reinterpret_cast<std::uintptr_t>(handler),
                 .flags = flags | SA_SIGINFO | 0x04000000 /* SA_RESTORER */,
                 .restorer = reinterpret_cast<std::uintptr_t>(&escapement_restorer),
                 .mask = mask});
}

void uninstall(int signal) {
    act(signal, {});
}

}  // namespace escapement::test
