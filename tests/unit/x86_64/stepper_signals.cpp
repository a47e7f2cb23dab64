// Stepping through faults and signals.

#include "stepper_code.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

using namespace escapement::test;

// Handlers: past_two_bytes has 2 instructions, counted_signal has 3; to return takes 2.
asm(R"(
.pushsection .text
.globl stepped_faults, stepped_faults_again, stepped_breakpoint, stepped_raises, stepped_unblocks
.globl stepped_asks_mask, stepped_suspends, stepped_calls_handler, stepped_past_two_bytes
stepped_faults:
    xor %ecx, %ecx
    mov (%rcx), %al
    mov %al, (%rcx)
    ud2
    xor %eax, %eax
    div %ecx
    mov $7, %eax
    ret
stepped_past_two_bytes:
    addq $2, 168(%rdx)
    ret
stepped_breakpoint:
    mov $3, %eax
    int3
    inc %eax
    ret
stepped_raises:
    mov %rdi, %r8
    mov $186, %eax
    syscall
    mov %eax, %edi
    mov $10, %esi
    mov $200, %eax
    syscall
    mov (%r8), %rax
    ret
stepped_unblocks:
    mov %rdi, %r8
    xor %edi, %edi
    lea 8(%r8), %rsi
    lea 16(%r8), %rdx
    mov $8, %r10d
    mov $14, %eax
    syscall
    mov $186, %eax
    syscall
    mov %eax, %edi
    mov $10, %esi
    mov $200, %eax
    syscall
    mov $1, %edi
    lea 8(%r8), %rsi
    lea 24(%r8), %rdx
    mov $14, %eax
    syscall
    mov %rsi, %rax
    sub %r8, %rax
    ret
stepped_asks_mask:
    mov %rdi, %r8
    xor %esi, %esi
    mov %r8, %rdx
    mov $8, %r10d
    mov $14, %eax
    syscall
    mov $1, %edi
    mov $1, %esi
    mov $14, %eax
    syscall
    ret
stepped_suspends:
    mov %rdi, %r8
    mov $186, %eax
    syscall
    mov %eax, %edi
    mov $10, %esi
    mov $200, %eax
    syscall
    lea 8(%r8), %rdi
    mov $8, %esi
    mov $130, %eax
    syscall
    ret
stepped_calls_handler:
    xor %ecx, %ecx
    sub $200, %rsp
    lea (%rsp), %rdx
    sub $100, %rdx
    call stepped_past_two_bytes
    mov (%rcx), %al
    call stepped_past_two_bytes
    add $200, %rsp
    xor %eax, %eax
    ret
.popsection
)");

STEPPED_CODE(faults);
STEPPED_CODE(breakpoint);
STEPPED_CODE(raises);
STEPPED_CODE(unblocks);
STEPPED_CODE(asks_mask);
STEPPED_CODE(suspends);
STEPPED_CODE(calls_handler);
extern "C" void past_two_bytes() asm("stepped_past_two_bytes");
extern "C" void count_signal() asm("stepped_counted_signal");

// Counts where a test can see it.
extern "C" {
long stepped_signals = 0;
}
asm(R"(
.pushsection .text
.globl stepped_counted_signal
stepped_counted_signal:
    mov stepped_signals@GOTPCREL(%rip), %rax
    incq (%rax)
    ret
.popsection
)");

namespace {

constexpr std::uint64_t bit(int signal) {
    return std::uint64_t{1} << (signal - 1);
}

std::uint64_t mask_now() {
    std::uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &mask, sizeof(mask));
    return mask;
}

void set_mask(std::uint64_t mask) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof(mask));
}

constexpr int faults_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};

}  // namespace

TEST_CASE("steps follow a fault into its handler and back", "[steps]") {
    if (cannot_see_handlers()) return;
    const auto before = mask_now();
    for (const std::uint64_t mask : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        for (const int signal : faults_signals)
            install(signal, &past_two_bytes, mask);
        // Four faults, whose instruction is tried once and passed over.
        check(faults, {}, 4 + 4 * 4, 4 + 4 * 5);
        check(calls_handler, {}, 9 + 2 * 2 + 4, 9 + 2 * 2 + 5);
        for (const int signal : faults_signals)
            uninstall(signal);
        CHECK(mask_now() == before);
    }
}

TEST_CASE("a program that stops being stepped within a handler keeps its mask and its flags", "[steps]") {
    if (cannot_see_handlers()) return;
    const auto before = mask_now();
    for (const int signal : faults_signals)
        install(signal, &past_two_bytes, bit(SIGUSR2));
    for (std::size_t most = 1; most <= 24; ++most) {
        const Trace trace = step_through(faults, nullptr, most);
        REQUIRE(trace.steps() == most);
        REQUIRE(trace.result == 7);
        REQUIRE(trace.strangers == 0);
        REQUIRE(mask_now() == before);
    }
    for (const int signal : faults_signals)
        uninstall(signal);
}

TEST_CASE("steps go on after a breakpoint of the program's own", "[steps]") {
    if (cannot_step()) return;
    const Trace trace = step_through(breakpoint, nullptr);
    CHECK(trace.strangers == 1);
    CHECK(trace.result == 4);
    CHECK(trace.addresses.back() == reinterpret_cast<std::uintptr_t>(&escapement_stepped_call_after));
}

TEST_CASE("steps follow a signal that the program sends itself", "[steps]") {
    if (cannot_see_handlers()) return;
    install(SIGUSR1, &count_signal);
    stepped_signals = 0;
    check(raises, {}, 9 + 5, 14);
    CHECK(stepped_signals == 3);
    uninstall(SIGUSR1);
}

TEST_CASE("steps follow a signal that the program blocks, raises and unblocks", "[steps]") {
    if (cannot_see_handlers()) return;
    install(SIGUSR1, &count_signal);
    stepped_signals = 0;
    const auto before = mask_now();
    // Both masks that the program was told of are compared with those of the unstepped run.
    check(unblocks, {{0, static_cast<long>(bit(SIGUSR1) | bit(SIGTRAP))}}, 21 + 5, 26);
    CHECK(stepped_signals == 3);
    CHECK(mask_now() == before);
    // From the middle on unstepped: what the program has blocked stays so.
    Memory memory{{0, static_cast<long>(bit(SIGUSR2))}};
    step_through(unblocks, &memory, 9);
    CHECK(mask_now() == before);
    uninstall(SIGUSR1);
}

TEST_CASE("a program that asks for its mask sees its own, whether stepped or not", "[steps]") {
    if (cannot_see_handlers()) return;
    const auto before = mask_now();
    for (const std::uint64_t mask :
         {std::uint64_t{0}, bit(SIGUSR1), ~(bit(SIGTRAP) | bit(SIGKILL) | bit(SIGSTOP))}) {
        set_mask(mask);
        const Trace trace = check(asks_mask, {}, 11, 11);
        CHECK(trace.result == -14);  // EFAULT for a mask that cannot be read
        CHECK(mask_now() == mask);
    }
    set_mask(before);
}

TEST_CASE("steps follow a signal that comes while a system call has a mask of its own", "[steps]") {
    if (cannot_see_handlers()) return;
    install(SIGUSR1, &count_signal);
    const auto before = mask_now();
    set_mask(bit(SIGUSR1));
    stepped_signals = 0;
    const Trace trace = check(suspends, {{0, static_cast<long>(~bit(SIGUSR1))}}, 12 + 5, 17);
    CHECK(trace.result == -4);  // EINTR
    CHECK(stepped_signals == 3);
    CHECK(mask_now() == bit(SIGUSR1));
    set_mask(before);
    uninstall(SIGUSR1);
}

TEST_CASE("a signal from elsewhere waits between steps, and comes before the next system call or at the end",
          "[steps]") {
    if (cannot_see_handlers()) return;
    install(SIGUSR1, &count_signal);
    install(SIGUSR2, &count_signal);
    static bool go_on;
    const auto send = [](void*) {
        // As if another thread sent it; the handler that this runs in would not let it wait.
        const std::uint64_t mask = bit(SIGUSR2);
        syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask));
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
        return go_on;
    };
    const auto before = mask_now();
    static Memory memory;
    for (const std::size_t at : {1U, 2U, 4U}) {
        for (const bool on : {true, false}) {
            go_on = on;
            memory = {};
            stepped_signals = 0;
            const Trace trace = step_through(raises, &memory, at, send);
            CHECK(stepped_signals == 2);
            // 9, and the handler's 5 twice. Before a system call that is a step in which nothing retires; the
            // call at step 6 sends another signal, and this one comes as that one's handler returns.
            if (on) CHECK(trace.retired == 9 + 5 + 5);
            if (on) CHECK(trace.steps() == 9 + 5 + 5 + (at < 4 ? 1 : 0));
            if (!on) CHECK(trace.steps() == at);
            CHECK(mask_now() == before);
        }
    }
    uninstall(SIGUSR1);
    uninstall(SIGUSR2);
}

TEST_CASE("by the trap flag alone handlers run unseen, and the program keeps its masks and flags",
          "[steps]") {
    const WithoutBreakpoints by_trap_flag;
    const auto before = mask_now();
    install(SIGUSR1, &count_signal);
    stepped_signals = 0;
    check(raises, {}, 9, 7);
    check(unblocks, {{0, static_cast<long>(bit(SIGUSR1) | bit(SIGTRAP))}}, 21, 17);
    CHECK(stepped_signals == 6);
    CHECK(mask_now() == before);
    Memory memory{{0, static_cast<long>(bit(SIGUSR2))}};
    step_through(unblocks, &memory, 7);
    CHECK(mask_now() == before);

    set_mask(bit(SIGUSR1));
    CHECK(check(asks_mask, {}, 11, 9).result == -14);  // EFAULT
    stepped_signals = 0;
    CHECK(check(suspends, {{0, static_cast<long>(~bit(SIGUSR1))}}, 12, 9).result == -4);  // EINTR
    CHECK(stepped_signals == 3);
    CHECK(mask_now() == bit(SIGUSR1));
    set_mask(before);
    uninstall(SIGUSR1);

    for (const int signal : faults_signals)
        install(signal, &past_two_bytes, bit(SIGUSR2));
    // What faults does not retire, and is in one step with what follows its handler.
    check(faults, {}, 4, 4);
    CHECK(mask_now() == before);
    for (const int signal : faults_signals)
        uninstall(signal);
}
