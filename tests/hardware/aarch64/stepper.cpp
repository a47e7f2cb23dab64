// Code whose number of instructions is known, stepped from its first to its last.

#include "../../stepping/stepped_call.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <random>

using escapement::test::Code;
using escapement::test::install;
using escapement::test::step_through;
using escapement::test::Trace;
using escapement::test::uninstall;

// `after_fault` and `count_calls` are handlers: 5 and 6 instructions, and 2 to return.
asm(R"(
.pushsection .text
.arch_extension lse
.globl stepped_straight, stepped_loop, stepped_branches, stepped_calls, stepped_exclusive, stepped_exclusive_left, stepped_exclusive_lock, stepped_exclusive_spin, stepped_atomics
.globl stepped_system_calls, stepped_faults, stepped_breakpoints, stepped_raises, stepped_waits, stepped_itself, stepped_after_fault, stepped_count_calls
stepped_straight:
    add x0, x0, #1
    add x0, x0, #2
    lsl x0, x0, #1
    nop
    ret
stepped_loop:
    mov x1, #1000
1:  add x0, x0, x1
    subs x1, x1, #1
    b.ne 1b
    ret
stepped_branches:
    mov x1, #8
    mov x0, #0
1:  tbz x1, #0, 2f
    add x0, x0, #1
2:  tbnz w1, #1, 3f
    add x0, x0, #16
3:  cbz w1, 4f
    sub x1, x1, #1
    b 1b
4:  cbnz x0, 5f
    mov x0, #-1
5:  ret
stepped_calls:
    stp x29, x30, [sp, #-16]!
    bl 1f
    adr x1, 2f
    blr x1
    ldp x29, x30, [sp], #16
    ret
1:  stp x29, x30, [sp, #-16]!
    bl 2f
    bl 2f
    ldp x29, x30, [sp], #16
    ret
2:  add x0, x0, #5
    adr x2, 3f
    br x2
    nop
3:  ret
stepped_exclusive:
    mov x3, #100
1:  ldxr x1, [x0]
    add x1, x1, #1
    stxr w2, x1, [x0]
    cbnz w2, 1b
    subs x3, x3, #1
    b.ne 1b
    ldr x0, [x0]
    ret
stepped_exclusive_left:
    mov x1, #5
    ldr x2, [x0]
1:  ldaxr x3, [x0]
    cmp x3, x1
    b.ne 2f
    stlxr w4, x2, [x0]
    cbnz w4, 1b
2:  ldxp x4, x5, [x0]
    stxp w6, x4, x5, [x0]
    mov x0, x3
    ret
stepped_exclusive_lock:
    mov w2, #1
1:  ldaxr w1, [x0]
    cbnz w1, 1b
    stxr w3, w2, [x0]
    cbnz w3, 1b
    stlr wzr, [x0]
    mov x0, x2
    ret
stepped_exclusive_spin:
    mov w2, #1
1:  ldaxr w1, [x0]
    cbnz w1, 1b
    stxr w3, w2, [x0]
    cbnz w3, 1b
    ret
stepped_atomics:
    mov x1, #3
    mov x3, #50
1:  ldadd x1, x2, [x0]
    swpal x2, x4, [x0]
    mov x5, x2
    casal x5, x1, [x0]
    subs x3, x3, #1
    b.ne 1b
    ldr x0, [x0]
    ret
stepped_system_calls:
    mov x8, #172
    svc #0
    mov x9, x0
    svc #0
    sub x0, x0, x9
    ret
stepped_faults:
    mov x1, #0
    mov x2, #7
    ldr x2, [x1]
    str x2, [x1]
    udf #0
    mov x0, x2
    ret
stepped_after_fault:
    add x2, x2, #0x1b8
    ldr x3, [x2]
    add x3, x3, #4
    str x3, [x2]
    ret
stepped_breakpoints:
    mov x0, #3
    brk #1
    add x0, x0, #1
    ret
stepped_raises:
    mov x9, x0
    mov x8, #178
    svc #0
    mov x1, #10
    mov x8, #130
    svc #0
    ldr x0, [x9]
    ret
stepped_waits:
    mov x9, x0
    mov x8, #178
    svc #0
    mov x10, x0
    mov x0, #0
    add x1, x9, #8
    add x2, x9, #16
    mov x3, #8
    mov x8, #135
    svc #0
    mov x0, x10
    mov x1, #10
    mov x8, #130
    svc #0
    ldr x11, [x9]
    mov x0, #2
    add x1, x9, #16
    mov x2, #0
    mov x3, #8
    mov x8, #135
    svc #0
    ldr x0, [x9]
    add x0, x0, x11, lsl #8
    ret
stepped_count_calls:
    adrp x3, calls_counted
    ldr x3, [x3, :lo12:calls_counted]
    ldr x4, [x3]
    add x4, x4, #1
    str x4, [x3]
    ret
stepped_itself:
    b stepped_itself
    ret
.popsection
)");

extern "C" {
long* calls_counted = nullptr;
#define CODE(name) long name(void*) asm("stepped_" #name)
CODE(straight);
CODE(loop);
CODE(branches);
CODE(calls);
CODE(exclusive);
CODE(exclusive_left);
CODE(exclusive_lock);
CODE(exclusive_spin);
CODE(atomics);
CODE(system_calls);
CODE(faults);
CODE(breakpoints);
CODE(raises);
CODE(waits);
CODE(itself);
#undef CODE
void after_fault() asm("stepped_after_fault");
void count_calls() asm("stepped_count_calls");
}

namespace {

struct Memory {
    alignas(16) long cells[4]{};
};

bool cannot_step() {
    const char* const why = escapement::test::no_steps_because();
    if (*why == 0) return false;
    std::printf("cannot run here: %s\n", why);
    return true;
}

/// Stepped and unstepped do the same; the stepped twice along the same addresses; this many instructions.
Trace check(Code code, const Memory& memory, std::uint64_t retired, std::size_t steps) {
    static Memory cells;  // at the same address each time, for code may use that
    calls_counted = cells.cells;
    cells = memory;
    const long expected = code(&cells);
    const Memory left = cells;
    cells = memory;
    Trace trace = step_through(code, &cells);
    for (int cell = 0; cell < 4; ++cell)
        CHECK(cells.cells[cell] == left.cells[cell]);
    cells = memory;
    const Trace again = step_through(code, &cells);
    CHECK_FALSE(trace.refused);
    CHECK(trace.unknown == 0);
    CHECK(trace.result == expected);
    CHECK(trace.retired == retired);
    CHECK(trace.steps() == steps);
    CHECK(again.retired == retired);
    CHECK(again.addresses == trace.addresses);
    return trace;
}

}  // namespace

TEST_CASE("steps go through straight lines, loops and calls") {
    if (cannot_step()) return;
    check(straight, {}, 5, 5);
    check(loop, {}, 1 + 3000 + 1, 3002);
    // From 8 to 0, bit 0 is set four times and bit 1 is clear five times.
    check(branches, {}, 2 + 9 * 3 + 4 + 5 + 8 * 2 + 2, 56);
    check(calls, {}, 6 + 5 + 3 * 4, 6 + 5 + 3 * 4);
}

TEST_CASE("steps do not break up exclusive sequences") {
    if (cannot_step()) return;
    check(exclusive, {}, 1 + 100 * 6 + 2, 1 + 100 * 4 + 2);
    check(exclusive_left, {{4, 9}}, 2 + 3 + 2 + 2, 2 + 1 + 1 + 2);
    check(exclusive_left, {{5, 9}}, 2 + 4 + 1 + 2 + 2, 2 + 1 + 1 + 1 + 2);
    check(exclusive_lock, {}, 1 + 3 + 1 + 3, 1 + 1 + 1 + 3);
}

TEST_CASE("steps see every round of a loop that waits at a load exclusive") {
    if (cannot_step()) return;
    Memory memory{{1}};
    calls_counted = memory.cells;
    // The lock is held: nobody releases it but the test, after 20 stops.
    const Trace trace = step_through(exclusive_spin, &memory, 20, [](void*) {
        *calls_counted = 0;
        return false;
    });
    CHECK(trace.steps() == 20);
    CHECK(trace.retired == 20);
    CHECK(trace.unknown == 0);
}

TEST_CASE("steps take atomic instructions as any other") {
    if (cannot_step()) return;
    check(atomics, {}, 2 + 50 * 6 + 2, 2 + 50 * 6 + 2);
}

TEST_CASE("steps go through system calls") {
    if (cannot_step()) return;
    check(system_calls, {}, 6, 6);
}

TEST_CASE("steps follow a fault into its handler and back") {
    if (cannot_step()) return;
    for (const std::uint64_t mask : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        install(SIGSEGV, &after_fault, mask);
        install(SIGILL, &after_fault, mask);
        check(faults, {}, 4 + 3 * 7, 4 + 3 * 8);
        uninstall(SIGSEGV);
        uninstall(SIGILL);
    }
}

TEST_CASE("steps go on after a breakpoint of the program's own") {
    if (cannot_step()) return;
    const Trace trace = step_through(breakpoints, nullptr);
    CHECK(trace.strangers == 1);
    CHECK(trace.result == 4);
    CHECK(trace.steps() == 4);
}

TEST_CASE("steps follow a signal that the program sends itself") {
    if (cannot_step()) return;
    install(SIGUSR1, &count_calls);
    check(raises, {}, 8 + 8, 16);
    uninstall(SIGUSR1);
}

TEST_CASE("steps follow a signal that the program unblocks") {
    if (cannot_step()) return;
    install(SIGUSR1, &count_calls);
    check(waits, {{0, 1 << 9}}, 24 + 8, 32);
    uninstall(SIGUSR1);
}

TEST_CASE("a branch to itself is told as unknown") {
    if (cannot_step()) return;
    const Trace trace = step_through(itself, nullptr, 5, [](void* context) {
        escapement::test::pass_trap(context);
        return false;
    });
    CHECK(trace.unknown == 5);
}

TEST_CASE("the k-th stop is at the same address each time") {
    if (cannot_step()) return;
    Memory memory;
    const Trace whole = step_through(exclusive, &memory);
    std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    for (int round = 0; round < 200; ++round) {
        memory = {};
        const std::size_t wanted = random() % whole.addresses.size();
        const Trace part = step_through(exclusive, &memory, wanted);
        REQUIRE(part.addresses.size() == wanted + 1);
        REQUIRE(part.addresses.back() == whole.addresses[wanted]);
        REQUIRE(part.result == whole.result);
    }
}
