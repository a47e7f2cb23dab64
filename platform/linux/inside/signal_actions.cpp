#include "signal_actions.hpp"

#include "raw_system_call.hpp"

#include <sys/syscall.h>

namespace escapement {

SignalAction action_of(int signal) {
    SignalAction action;
    raw_system_call(SYS_rt_sigaction, signal, 0, reinterpret_cast<long>(&action), sizeof(SignalMask));
    if (action.has_handler() && signal != SIGTRAP && (action.mask & mask_of(SIGTRAP)) != 0) {
        action.mask &= ~mask_of(SIGTRAP);
        raw_system_call(SYS_rt_sigaction, signal, reinterpret_cast<long>(&action), 0, sizeof(SignalMask));
    }
    return action;
}

SignalMask pending_signals() {
    SignalMask pending = 0;
    raw_system_call(SYS_rt_sigpending, reinterpret_cast<long>(&pending), sizeof(pending));
    return pending;
}

}  // namespace escapement
