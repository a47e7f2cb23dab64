#include "../stepped_call.hpp"

#include <ucontext.h>

asm(R"(
.pushsection .text
.globl escapement_stepped_call, escapement_stepped_call_after, escapement_restorer
escapement_stepped_call:
    stp x29, x30, [sp, #-16]!
    mov x9, x0
    mov x0, x1
    brk #0
    blr x9
escapement_stepped_call_after:
    ldp x29, x30, [sp], #16
    ret
escapement_restorer:
    mov x8, #139
    svc #0
.popsection
)");

namespace escapement::test {

void pass_trap(void* context) {
    static_cast<ucontext_t*>(context)->uc_mcontext.pc += 4;
}

}  // namespace escapement::test
