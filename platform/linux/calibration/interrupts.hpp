#pragma once
// How many timer interrupts a CPU has had.

#include <cstdint>
#include <optional>

namespace escapement {

/// Since the machine began; nothing where /proc/interrupts does not tell. Sources: kernel,
/// arch/x86/kernel/irq.c (LOC); drivers/clocksource/arm_arch_timer.c (arch_timer).
std::optional<std::uint64_t> timer_interrupts_of(unsigned cpu);

}  // namespace escapement
