#pragma once
// A counter's register, and nothing of what makes its value meaningful: what any read must cost at least.
// Source: Arm ARM, D19.5: PMSELR_EL0 selects what PMXEVCNTR_EL0 reads; PMCCNTR_EL0 is number 31.

#include <cstdint>

namespace bench {

/// mrs itself, of the counter that is selected at the beginning. `index` is the kernel's
/// (perf_event_mmap_page::index) less 1. The thread must not move to another CPU.
class BareRead {
  public:
    explicit BareRead(std::uint32_t index) {
        const std::uint64_t number = index;
        asm volatile("msr pmselr_el0, %0\n\tisb" ::"r"(number) : "memory");
    }
    [[nodiscard]] std::uint64_t operator()() const {
        std::uint64_t value = 0;
        asm volatile("mrs %0, pmxevcntr_el0" : "=r"(value));
        return value;
    }
    /// The same where it must not run ahead of what precedes it.
    [[nodiscard]] std::uint64_t ordered() const {
        asm volatile("isb" ::: "memory");
        return (*this)();
    }
};

}  // namespace bench
