// Stepping through code without signals of its own.

#include "stepper_code.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <string>

using namespace escapement::test;

asm(R"(
.pushsection .text
.globl stepped_straight, stepped_cpuid, stepped_loop, stepped_calls, stepped_strings, stepped_no_strings, stepped_flags
.globl stepped_short_flags, stepped_returns, stepped_segment, stepped_segment_memory, stepped_locked
.globl stepped_system_calls, stepped_forks, stepped_old_call, stepped_vsyscall
stepped_straight:
    lea 1(%rdi), %rax
    add $2, %rax
    shl $1, %rax
    nop
    xchg %rax, %rdx
    mov %rdx, %rax
    push %rbx
    cpuid
    pop %rbx
    rdtsc
    xor %eax, %eax
    ret
stepped_cpuid:
    push %rbx
    cpuid
    xor %eax, %eax
    pop %rbx
    ret
stepped_loop:
    mov $1000, %ecx
    xor %eax, %eax
1:  add %rcx, %rax
    dec %ecx
    jnz 1b
    ret
stepped_calls:
    xor %eax, %eax
    call 1f
    lea 2f(%rip), %rdx
    call *%rdx
    ret
1:  call 2f
    push %rax
    pop %rcx
    jmp 2f
    ud2
2:  add $5, %eax
    ret
stepped_strings:
    mov %rdi, %rsi
    add $64, %rdi
    mov $7, %ecx
    rep movsb
    mov $3, %ecx
    mov $0x41, %eax
    rep stosl
    sub $32, %rdi
    mov %rdi, %rsi
    mov $20, %ecx
    cmp %eax, %eax
    repe cmpsb
    mov $9, %ecx
    repne scasw
    mov %rcx, %rax
    ret
stepped_no_strings:
    xor %ecx, %ecx
    rep movsq
    rep stosb
    xor %eax, %eax
    rep ret
stepped_flags:
    xor %eax, %eax
    pushf
    pop %rax
    mov %rax, (%rdi)
    xor $0x1, %rax
    push %rax
    popf
    pushfq
    pop %rax
    mov %rax, 8(%rdi)
    push %rax
    popf
    mov $0, %eax
    adc $0, %eax
    ret
stepped_short_flags:
    xor %eax, %eax
    pushfw
    pop %ax
    ret
stepped_returns:
    mov %rsp, %rax
    mov %ss, %ecx
    push %rcx
    push %rax
    pushf
    mov %cs, %ecx
    push %rcx
    lea 1f(%rip), %rcx
    push %rcx
    iretq
    ud2
1:  mov $3, %eax
    ret
stepped_segment:
    mov %ss, %eax
    mov %eax, %ss
    nop
    mov %eax, %ss
    mov $4, %eax
    ret
stepped_segment_memory:
    mov %ss, %eax
    mov %rax, 8(%rdi)
    mov $1, %ecx
    mov (%rdi,%rcx,8), %ss
    nop
    mov 8(%rdi), %ss
    ret
stepped_locked:
    mov $100, %ecx
1:  lock incl (%rdi)
    mov (%rdi), %eax
    lea 1(%rax), %edx
    lock cmpxchg %edx, (%rdi)
    jnz 1b
    lock xadd %rdx, 8(%rdi)
    xchg %rdx, 16(%rdi)
    dec %ecx
    jnz 1b
    mfence
    mov 8(%rdi), %rax
    ret
stepped_system_calls:
    xor %eax, %eax
    mov %rdi, %r8
    mov $39, %eax
    syscall
    mov %rax, (%r8)
    mov %r11, 8(%r8)
    mov $39, %eax
    syscall
    pushf
    pop %rdx
    mov %rdx, 16(%r8)
    mov $-1, %rax
    syscall
    sub %rcx, %rcx
    ret
stepped_forks:
    mov $57, %eax
    syscall
    test %eax, %eax
    jz 1f
    sub $16, %rsp
    mov %eax, %edi
    mov %rsp, %rsi
    xor %edx, %edx
    xor %r10d, %r10d
    mov $61, %eax
    syscall
    mov (%rsp), %eax
    add $16, %rsp
    ret
1:  mov $7, %edi
    mov $60, %eax
    syscall
    ud2
stepped_old_call:
    push %rbx
    mov $20, %eax
    int $0x80
    nop
    pop %rbx
    ret
stepped_vsyscall:
    sub $8, %rsp
    mov $0xffffffffff600400, %rax
    xor %edi, %edi
    call *%rax
    xor %eax, %eax
    add $8, %rsp
    ret
.popsection
)");

STEPPED_CODE(straight);
STEPPED_CODE(cpuid);
STEPPED_CODE(loop);
STEPPED_CODE(calls);
STEPPED_CODE(strings);
STEPPED_CODE(no_strings);
STEPPED_CODE(flags);
STEPPED_CODE(short_flags);
STEPPED_CODE(returns);
STEPPED_CODE(segment);
STEPPED_CODE(segment_memory);
STEPPED_CODE(locked);
STEPPED_CODE(system_calls);
STEPPED_CODE(forks);
STEPPED_CODE(old_call);
STEPPED_CODE(vsyscall);

namespace {

/// Some kernels and hypervisors have none: then it is a fault.
bool has_old_calls() {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        old_call(nullptr);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    if (status != 0) std::printf("without INT 0x80, which is no system call on this host\n");
    return status == 0;
}

}  // namespace

TEST_CASE("steps go through straight lines, loops and calls", "[steps]") {
    if (cannot_step()) return;
    // Of a hypervisor that forgets the trap behind CPUID, the next instruction is in the same step.
    const std::size_t hidden = 5 - step_through(cpuid, nullptr).steps();
    check(cpuid, {}, 5, 5 - hidden);
    check(straight, {}, 12, 12 - hidden);
    check(loop, {}, 2 + 3000 + 1, 3003);
    // `2:` is reached three times.
    check(calls, {}, 5 + 4 + 3 * 2, 15);
}

TEST_CASE("steps count a repeated instruction once, with a stop after each repetition", "[steps]") {
    if (cannot_step()) return;
    // Four repeated instructions; the comparison of equals goes on to its end, the search finds at once.
    check(strings, {}, 16, 12 + 7 + 3 + 20 + 1);
    check(no_strings, {}, 5, 5);
}

TEST_CASE("the trap flag stays out of flags that the program stores", "[steps]") {
    if (cannot_step()) return;
    check(flags, {}, 15, 15);
    const Trace trace = check(short_flags, {}, 4, 4);
    CHECK((trace.result & 0x100) == 0);
    check(returns, {}, 12, 12);
}

TEST_CASE("loading the stack segment is one step with the instruction after it", "[steps]") {
    if (cannot_step()) return;
    check(segment, {}, 6, 4);
    check(segment_memory, {}, 7, 5);
}

TEST_CASE("steps go through locked instructions", "[steps]") {
    if (cannot_step()) return;
    check(locked, {}, 1 + 100 * 9 + 3, 904);
}

TEST_CASE("steps go through system calls, whose traces in registers are clean", "[steps]") {
    if (cannot_see_handlers()) return;
    const Trace trace = check(system_calls, {}, 15, 15);
    CHECK(trace.result == -38);  // ENOSYS
    if (has_old_calls()) check(old_call, {}, 6, 6);
}

TEST_CASE("by the trap flag alone a system call is one step with the next instruction, its traces clean",
          "[steps]") {
    const WithoutBreakpoints by_trap_flag;
    const Trace trace = check(system_calls, {}, 15, 12);
    CHECK(trace.result == -38);
    if (has_old_calls()) check(old_call, {}, 6, 5);
}

TEST_CASE("by the trap flag alone steps end at a new process, which is not stepped", "[steps]") {
    const WithoutBreakpoints by_trap_flag;
    const Trace trace = step_through(forks, nullptr);
    CHECK(trace.result == 7 << 8);
    CHECK(trace.strangers == 0);
    CHECK(trace.retired == 1);
}

TEST_CASE("steps go through the old page of system calls", "[steps]") {
    if (cannot_step()) return;
    std::ifstream maps("/proc/self/maps");
    const std::string all{std::istreambuf_iterator<char>(maps), {}};
    if (all.find("[vsyscall]") == std::string::npos) {
        std::printf("cannot run here: this kernel has no vsyscall page\n");
        return;
    }
    // What the kernel does in place of the page is no instruction.
    check(vsyscall, {}, 7, 7);
}

TEST_CASE("the k-th stop is at the same address each time", "[steps]") {
    if (cannot_step()) return;
    std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same each time
    for (const Code code : {calls, strings, flags, locked}) {
        static Memory memory;
        memory = {};
        const Trace whole = step_through(code, &memory);
        for (int round = 0; round < 50; ++round) {
            const std::size_t wanted = random() % whole.addresses.size();
            memory = {};
            const Trace part = step_through(code, &memory, wanted);
            REQUIRE(part.addresses.size() == wanted + 1);
            REQUIRE(part.addresses.back() == whole.addresses[wanted]);
            REQUIRE(part.result == whole.result);
        }
    }
}
