#pragma once
// A counter's register, and nothing of what makes its value meaningful: what any read must cost at least.
// Source: Intel SDM 2B, RDPMC; AMD APM 3, RDPMC.

#include <cstdint>

namespace bench {

/// rdpmc itself. `index` is the kernel's (perf_event_mmap_page::index) less 1.
class BareRead {
  public:
    explicit BareRead(std::uint32_t index) : index_(index) {}
    [[nodiscard]] std::uint64_t operator()() const {
        std::uint32_t low = 0;
        std::uint32_t high = 0;
        asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(index_));
        return std::uint64_t{high} << 32U | low;
    }
    /// The same where it must not run ahead of what precedes it.
    [[nodiscard]] std::uint64_t ordered() const {
        asm volatile("lfence" ::: "memory");
        return (*this)();
    }

  private:
    std::uint32_t index_;
};

}  // namespace bench
