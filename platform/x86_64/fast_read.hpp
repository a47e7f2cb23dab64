#pragma once
// A counter's value without a system call: rdpmc, as the kernel's page for the counter says.
//
// The kernel raises the page's `lock` before and after it changes the rest. If that happened between our two
// looks at it, we try again, and the instructions of a try are counted like any others: a value read at the
// second try is higher by one try than it would have been at the first. Every try executes the same
// instructions, so the price of one is a constant of the event; `fast_read(page, 2)` makes two tries in any
// case, which is how Counter::price_of_a_try measures it.
//
// rdpmc may run before what precedes it has retired; lfence makes the value that of this very place in the
// program (Intel SDM 2B, RDPMC; AMD APM 3, RDPMC).
//
// Async-signal-safe. Only for counters of the calling thread. Sources: kernel,
// include/uapi/linux/perf_event.h (perf_event_mmap_page).

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
    std::uint64_t scratch = 0;
    std::uint64_t shift = 0;
    asm volatile(
        "1:\n\t"
        "movl %c[lock](%[page]), %[sequence]\n\t"
        "addl $1, %[tries]\n\t"
        "movl %c[index](%[page]), %%ecx\n\t"
        "movq %c[offset_at](%[page]), %[offset]\n\t"
        "movzwl %c[width](%[page]), %k[scratch]\n\t"
        "subl $1, %%ecx\n\t"
        "jb 2f\n\t"
        "lfence\n\t"
        "rdpmc\n\t"
        "shlq $32, %%rdx\n\t"
        "orq %%rdx, %%rax\n\t"
        "movl $64, %%ecx\n\t"  // sign extension from pmc_width bits; shifts take the count modulo 64
        "subl %k[scratch], %%ecx\n\t"
        "shlq %%cl, %%rax\n\t"
        "sarq %%cl, %%rax\n\t"
        "addq %[offset], %%rax\n\t"
        "cmpl %[at_least], %[tries]\n\t"
        "sbbl %[again], %[again]\n\t"  // all ones if too few tries, else 0
        "xorl %c[lock](%[page]), %[sequence]\n\t"
        "orl %[again], %[sequence]\n\t"
        "jnz 1b\n\t"
        "jmp 3f\n"
        "2:\n\t"
        "xorl %[tries], %[tries]\n"
        "3:"
        : [sequence] "=&r"(sequence), [tries] "+&r"(tries), [again] "=&r"(again), [offset] "=&r"(offset),
          [scratch] "=&r"(scratch), "=&a"(value), "=&c"(shift)
        : [page] "r"(page), [at_least] "r"(at_least), [lock] "i"(offsetof(perf_event_mmap_page, lock)),
          [index] "i"(offsetof(perf_event_mmap_page, index)),
          [offset_at] "i"(offsetof(perf_event_mmap_page, offset)),
          [width] "i"(offsetof(perf_event_mmap_page, pmc_width))
        : "rdx", "cc", "memory");
    return {.value = value, .tries = tries};
}

}  // namespace escapement
