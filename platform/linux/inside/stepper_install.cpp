#include "raw_system_call.hpp"
#include "signal_actions.hpp"

#include <escapement/stepper.hpp>

#include <sys/syscall.h>

#include <cstring>

extern "C" void escapement_return_from_signal();

namespace escapement {

namespace {

constexpr unsigned long with_restorer = 0x04000000;  // SA_RESTORER, which no header names for every processor

}  // namespace

void Stepper::install(int signal, Handler handler, const sigset_t& mask, struct sigaction* before) {
    SignalAction action{.handler = reinterpret_cast<std::uintptr_t>(handler),
                        .flags = SA_SIGINFO | SA_RESTART | with_restorer,
                        .restorer = reinterpret_cast<std::uintptr_t>(&escapement_return_from_signal),
                        .mask = 0};
    std::memcpy(&action.mask, &mask, sizeof(action.mask));
    action.mask |= mask_of(SIGTRAP);
    SignalAction old;
    raw_system_call(SYS_rt_sigaction, signal, reinterpret_cast<long>(&action), reinterpret_cast<long>(&old),
                    sizeof(SignalMask));
    if (before == nullptr) return;
    *before = {};
    before->sa_sigaction = reinterpret_cast<Handler>(old.handler);
    before->sa_flags = static_cast<int>(old.flags & ~with_restorer);
    std::memcpy(&before->sa_mask, &old.mask, sizeof(old.mask));
}

}  // namespace escapement
