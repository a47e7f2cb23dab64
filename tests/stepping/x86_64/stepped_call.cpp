#include "../stepped_call.hpp"

asm(R"(
.pushsection .text
.globl escapement_stepped_call, escapement_stepped_call_after, escapement_restorer
escapement_stepped_call:
    push %rbx
    mov %rdi, %rax
    mov %rsi, %rdi
    int3
    call *%rax
escapement_stepped_call_after:
    pop %rbx
    ret
escapement_restorer:
    mov $15, %eax
    syscall
.popsection
)");

namespace escapement::test {

/// It is past it already.
void pass_trap(void* /*context*/) {}

}  // namespace escapement::test
