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
        interrupts_ += kind == QemuEventKind::interrupt ? 1 : 0;
        if ((telling >> static_cast<unsigned>(kind) & 1) == 0) [[likely]]
            return;
        if (kind == QemuEventKind::checkpoint_warp_start) {
            if (icount == 0) return;
            last_warp_ = index;
            idle_before_ = true;
        } else if (kind == QemuEventKind::checkpoint_reset_requested) {
            *this = {};  // The machine begins again with its firmware.
        } else {
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
    /// The kinds that say something, as bits.
    static constexpr std::uint64_t telling = [] {
        std::uint64_t bits = 0;
        for (auto kind = static_cast<unsigned>(QemuEventKind::shutdown_first);
             kind <= static_cast<unsigned>(QemuEventKind::shutdown_last); ++kind)
            bits |= std::uint64_t{1} << kind;
        bits |= std::uint64_t{1} << static_cast<unsigned>(QemuEventKind::checkpoint_warp_start);
        return bits | std::uint64_t{1} << static_cast<unsigned>(QemuEventKind::checkpoint_reset_requested);
    }();
    static constexpr std::uint64_t recently = 32;        ///< events
    static constexpr std::uint64_t few_interrupts = 32;  ///< SeaBIOS and a Linux decompressor take about ten

    std::uint64_t interrupts_ = 0;
    std::uint64_t last_warp_ = 0;
    bool idle_before_ = false;
    bool shutdown_ = false;
};

}  // namespace escapement::divergence
