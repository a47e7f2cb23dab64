#include "divergence/cause.hpp"

#include <fmt/format.h>

namespace escapement {

const char* cause_name(DivergenceCause cause) noexcept {
    switch (cause) {
        case DivergenceCause::host_clock:
            return "host clock";
        case DivergenceCause::start_up_time:
            return "start-up time";
        case DivergenceCause::thread_order:
            return "thread order";
        case DivergenceCause::randomness:
            return "randomness";
        case DivergenceCause::idle_time:
            return "idle time";
        case DivergenceCause::block_completion:
            return "block completion";
        case DivergenceCause::outside_input:
            return "outside input";
        case DivergenceCause::other_machine:
            return "other machine";
        case DivergenceCause::ended:
            return "ended by the host";
    }
    return "unknown";
}

const char* phase_name(GuestPhase phase) noexcept {
    switch (phase) {
        case GuestPhase::machine_setup:
            return "machine set-up";
        case GuestPhase::firmware:
            return "firmware";
        case GuestPhase::boot:
            return "boot";
        case GuestPhase::running:
            return "running";
        case GuestPhase::idle:
            return "idle";
        case GuestPhase::shutdown:
            return "shutdown";
    }
    return "unknown";
}

namespace divergence {

namespace {

using enum QemuEventKind;

bool is_outside(QemuEventKind kind) {
    switch (kind) {
        case input:
        case input_sync:
        case char_read:
        case net:
        case char_read_all:
        case char_read_all_error:
        case audio_in:
            return true;
        default:
            return false;
    }
}

/// Shutdown causes of the host, not of the guest (ShutdownCause: 1 to 5).
bool is_host_shutdown(QemuEventKind kind) {
    const int cause = static_cast<int>(kind) - static_cast<int>(shutdown_first);
    return cause >= 1 && cause <= 5;
}

bool is_warp(QemuEventKind kind) {
    return kind == checkpoint_warp_start || kind == checkpoint_warp_account || kind == clock_virtual_rt;
}

}  // namespace

Verdict cause_of_kinds(const Evidence& evidence) {
    const auto either = [&](auto is) { return is(evidence.a) || is(evidence.b); };
    const auto one_is = [&](QemuEventKind kind) { return evidence.a == kind || evidence.b == kind; };
    const QemuEventKind outside = is_outside(evidence.a) ? evidence.a : evidence.b;

    if (!evidence.machine_built) {
        return {DivergenceCause::other_machine,
                "The machines were not built alike: while a machine is built there is only one thread. "
                "Compare recordings "
                "of the same command line and the same QEMU."};
    }
    if (either(is_host_shutdown) || one_is(end)) {
        // replay_finish writes SHUTDOWN_HOST_SIGNAL before END however the run ended.
        if (evidence.phase == GuestPhase::shutdown) {
            return {DivergenceCause::thread_order,
                    "After the shutdown was requested the main loop ended sooner in one recording, before "
                    "the vCPU thread "
                    "or a timer had written what it wrote in the other."};
        }
        return {DivergenceCause::ended,
                "One recording was ended by the host (a signal, the monitor's quit, a window) where the "
                "other went on."};
    }
    if (either(is_outside)) {
        return {
            DivergenceCause::outside_input,
            fmt::format(
                "{} reached the guest at another moment, or in one recording only. Input from outside is not "
                "reproducible by order; it has to be recorded, or left away.",
                kind_name(outside))};
    }
    if (one_is(block)) {
        return {DivergenceCause::block_completion,
                "A disk request was completed at another moment: the host's worker thread or its disk was "
                "faster once. "
                "The workers must take part in the order."};
    }
    if (either(is_warp) && evidence.phase == GuestPhase::idle) {
        return {DivergenceCause::idle_time,
                "The guest was idle, and the wait for its next timer ended by the real clock. Virtual time "
                "makes idle "
                "time the same in every run."};
    }
    if (evidence.warp_clock_differs) {
        return {DivergenceCause::thread_order,
                "The main loop and the vCPU thread took turns differently. The guest's clock was already "
                "apart (an "
                "earlier CLOCK_VIRTUAL_RT differs), so its timers are due at other instructions; that alone "
                "can part "
                "the order."};
    }
    return {DivergenceCause::thread_order,
            "The main loop and the vCPU thread took turns at the replay lock differently: the host's "
            "scheduler decided "
            "who came first."};
}

Verdict cause_of_payloads(const Evidence& evidence) {
    switch (evidence.a) {
        case clock_host:
            return {DivergenceCause::host_clock,
                    "The wall clock was read, and no two runs happen at the same time. Virtual time gives "
                    "every run the "
                    "same clock."};
        case clock_virtual_rt:
            if (!evidence.warp_clock_seen) {
                return {DivergenceCause::start_up_time,
                        "The first warp of the guest's clock adds the real time that QEMU took to start "
                        "(with a fixed "
                        "shift the warp begins at 0). Virtual time hides it; no order of threads can."};
            }
            return {
                DivergenceCause::idle_time,
                "The guest's clock was moved on by real time that had passed: a warp over idle time, or the "
                "adjustment of shift=auto. Virtual time makes it the same in every run."};
        case random:
            return {DivergenceCause::randomness,
                    "Random numbers from the host. A seeded generator gives the same ones in every run."};
        case block:
            return {DivergenceCause::block_completion,
                    "Disk requests were completed in another order. The worker threads must take part in the "
                    "order."};
        case instruction:
            return {DivergenceCause::thread_order,
                    evidence.warp_clock_differs
                        ? "The vCPU was interrupted after another number of instructions; the guest's clock "
                          "was already "
                          "apart (an earlier CLOCK_VIRTUAL_RT differs), so its timers are due elsewhere."
                        : "The vCPU was interrupted after another number of instructions: the main loop got "
                          "the replay "
                          "lock at another moment."};
        case bottom_half:
        case bottom_half_oneshot:
            return {DivergenceCause::thread_order,
                    "A bottom half was queued at another instruction: the main loop got the replay lock at "
                    "another "
                    "moment."};
        case char_write:
            return {
                DivergenceCause::outside_input,
                "The host took another number of bytes of the guest's output (a slow reader, a full pipe)."};
        case audio_out:
            return {DivergenceCause::outside_input,
                    "The host's audio device took another number of samples."};
        default:
            return {DivergenceCause::outside_input,
                    fmt::format("{} brought other data from outside.", kind_name(evidence.a))};
    }
}

}  // namespace divergence
}  // namespace escapement
