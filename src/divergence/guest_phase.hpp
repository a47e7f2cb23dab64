#pragma once
// How far the guest was, judged by the events alone: they do not say what ran, only how it behaved. Firmware
// polls and takes few interrupts; a kernel takes them all the time from its first timer on; an idle guest has
// every virtual CPU halted, which is when QEMU writes CHECKPOINT_CLOCK_WARP_START (icount_start_warp_timer).

#include <escapement/divergence.hpp>
#include <escapement/qemu_log.hpp>

#include <cstdint>

namespace escapement::divergence {

class PhaseWatch {
  public:
    void see(QemuEventKind kind, std::uint64_t index, std::uint64_t icount) noexcept {
        if (kind == QemuEventKind::interrupt) {
            ++interrupts_;
        } else if (kind == QemuEventKind::checkpoint_warp_start && icount > 0) {
            last_warp_ = index;
            idle_before_ = true;
        } else if (kind >= QemuEventKind::shutdown_first && kind <= QemuEventKind::shutdown_last) {
            shutdown_ = true;
        }
    }

    [[nodiscard]] GuestPhase at(std::uint64_t index, std::uint64_t icount) const noexcept {
        if (icount == 0) return GuestPhase::machine_setup;
        if (shutdown_) return GuestPhase::shutdown;
        if (idle_before_ && index - last_warp_ < recently) return GuestPhase::idle;
        if (interrupts_ < few_interrupts) return GuestPhase::firmware;
        return idle_before_ ? GuestPhase::running : GuestPhase::boot;
    }

  private:
    static constexpr std::uint64_t recently = 32;        ///< events
    static constexpr std::uint64_t few_interrupts = 32;  ///< SeaBIOS and a Linux decompressor take about ten

    std::uint64_t interrupts_ = 0;
    std::uint64_t last_warp_ = 0;
    bool idle_before_ = false;
    bool shutdown_ = false;
};

}  // namespace escapement::divergence
