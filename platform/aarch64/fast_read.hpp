#pragma once
// A counter's value without a system call: mrs, as the kernel's page for the counter says.
//
// The kernel raises the page's `lock` before and after it changes the rest. If that happened between our two
// looks at it, we try again, and the instructions of a try are counted like any others: a value read at the
// second try is higher by one try than it would have been at the first. Every try executes the same
// instructions, whichever counter it reads, so the price of one is a constant of the event;
// `fast_read(page, 2)` makes two tries in any case, which is how Counter::price_of_a_try measures it.
//
// The number of the counter is part of the instruction: each has a place of 16 bytes in a table, with a
// landing pad for code that is built with branch protection. isb makes the value that of this very place in
// the program (Arm ARM, D11: a direct read of a counter is ordered by context synchronisation only).
//
// Async-signal-safe. Only for counters of the calling thread. Sources: kernel,
// include/uapi/linux/perf_event.h (perf_event_mmap_page), drivers/perf/arm_pmuv3.c (armv8pmu_user_event_idx:
// 32 is the cycle counter).

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>

namespace escapement {

struct FastRead {
    std::uint64_t value = 0;
    std::uint32_t tries = 0;  ///< 0: cannot be read so at the moment
};

/// `page` is of a counter whose cap_user_rdpmc is set. Makes at least `at_least` tries.
[[gnu::always_inline]] inline FastRead fast_read(const void* page, std::uint32_t at_least = 1) {
    std::uint32_t tries = 0;
    std::uint32_t sequence = 0;
    std::uint32_t again = 0;
    std::uint64_t value = 0;
    std::uint64_t offset = 0;
    std::uint64_t shift = 0;
    asm volatile(
        "1:\n\t"
        "ldr %w[sequence], [%[page], %[lock]]\n\t"
        "add %w[tries], %w[tries], #1\n\t"
        "dmb ishld\n\t"
        "ldr %w[again], [%[page], %[index]]\n\t"
        "ldr %[offset], [%[page], %[offset_at]]\n\t"
        "ldrh %w[shift], [%[page], %[width]]\n\t"
        "cbz %w[again], 3f\n\t"
        "sub %w[again], %w[again], #1\n\t"
        "adr x16, 4f\n\t"
        "add x16, x16, %[again], lsl #4\n\t"
        "neg %[shift], %[shift]\n\t"  // sign extension from pmc_width bits; shifts take the count modulo 64
        "isb\n\t"
        "br x16\n"
        "4:\n\t"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, "
        "25, 26, 27, 28, 29, 30\n\t"
        "hint #36\n\t"
        "mrs %[value], pmevcntr\\n\\()_el0\n\t"
        "b 5f\n\t"
        "nop\n\t"
        ".endr\n\t"
        "hint #36\n\t"
        "mrs %[value], pmccntr_el0\n\t"
        "b 5f\n"
        "5:\n\t"
        "lsl %[value], %[value], %[shift]\n\t"
        "asr %[value], %[value], %[shift]\n\t"
        "add %[value], %[value], %[offset]\n\t"
        "dmb ishld\n\t"
        "ldr %w[again], [%[page], %[lock]]\n\t"
        "eor %w[sequence], %w[sequence], %w[again]\n\t"
        "cmp %w[tries], %w[at_least]\n\t"
        "csinc %w[sequence], %w[sequence], wzr, hs\n\t"  // 1 if too few tries
        "cbnz %w[sequence], 1b\n\t"
        "b 6f\n"
        "3:\n\t"
        "mov %w[tries], wzr\n"
        "6:"
        : [sequence] "=&r"(sequence), [tries] "+&r"(tries), [again] "=&r"(again), [offset] "=&r"(offset),
          [value] "=&r"(value), [shift] "=&r"(shift)
        : [page] "r"(page), [at_least] "r"(at_least), [lock] "i"(offsetof(perf_event_mmap_page, lock)),
          [index] "i"(offsetof(perf_event_mmap_page, index)),
          [offset_at] "i"(offsetof(perf_event_mmap_page, offset)),
          [width] "i"(offsetof(perf_event_mmap_page, pmc_width))
        : "x16", "cc", "memory");
    return {.value = value, .tries = tries};
}

}  // namespace escapement
