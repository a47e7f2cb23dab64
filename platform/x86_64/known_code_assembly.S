// See escapement/known_code.hpp; what each counts stands in known_code.cpp. n arrives in rdi, at least 1; each
// returns 0: nothing here begins again. Only registers that calls may change are used, and the red zone.

.macro begin name
    .globl escapement_known_\name
    .hidden escapement_known_\name
    .type escapement_known_\name, @function
    .p2align 4
escapement_known_\name:
    endbr64
.endm

.macro end name
    xorl %eax, %eax
    ret
    .size escapement_known_\name, . - escapement_known_\name
.endm

    .text

begin straight
1:  .rept 32
    leaq 1(%rax), %rax
    xorq %rdi, %rax
    .endr
    subq $1, %rdi
    jnz 1b
end straight

begin taken
1:  subq $1, %rdi
    jnz 1b
end taken

begin not_taken
1:  testq %rdi, %rdi
    jz 2f
    jz 2f
    jz 2f
    jz 2f
    subq $1, %rdi
    jnz 1b
2:
end not_taken

// Branches that no predictor guesses: they go by the bits of a linear-feedback shift register. Of the two one
// is taken, and both ways are equally long.
begin mispredicted
    movl $0x5eed5eed, %eax
1:  testl $1, %eax
    jz 2f
    nop
    jmp 3f
2:  nop
    jmp 3f
3:  testl $1, %eax
    jnz 4f
4:  movl %eax, %edx
    andl $1, %edx
    negl %edx
    andl $0xa3000000, %edx
    shrl $1, %eax
    xorl %edx, %eax
    subq $1, %rdi
    jnz 1b
end mispredicted

begin calls
1:  call 2f
    subq $1, %rdi
    jnz 1b
    jmp 9f
2:  call 3f
    ret
3:  call 4f
    ret
4:  call 5f
    call 5f
    ret
5:  ret
9:
end calls

begin indirect
    leaq 3f(%rip), %rdx
    leaq 2f(%rip), %rcx
1:  jmp *%rcx
2:  endbr64
    jmp *%rdx
3:  endbr64
    subq $1, %rdi
    jnz 1b
end indirect

// Fills and copies within the red zone.
begin repeated
    movq %rdi, %rdx
1:  leaq -128(%rsp), %rdi
    movl $64, %ecx
    rep stosb
    leaq -128(%rsp), %rsi
    movl $8, %ecx
    rep movsq
    subq $1, %rdx
    jnz 1b
end repeated

begin locked
1:  lock incl -8(%rsp)
    lock xaddl %eax, -8(%rsp)
    lock cmpxchgl %edx, -8(%rsp)
    xchgl %eax, -8(%rsp)
    subq $1, %rdi
    jnz 1b
end locked

// Branches between instructions that a hypervisor emulates.
begin between_cpuids
    movq %rdi, %r8
    movq %rbx, %r9
1:  xorl %eax, %eax
    cpuid
    testq %r8, %r8
    jz 2f
2:  xorl %eax, %eax
    cpuid
    subq $1, %r8
    jnz 1b
    movq %r9, %rbx
end between_cpuids

    .section .note.GNU-stack, "", @progbits
