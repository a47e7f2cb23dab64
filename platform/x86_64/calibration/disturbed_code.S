// See linux/calibration/disturbed_code.hpp. Functions that belong together have the same instructions, and the same
// branches in the same places, but for what disturbs. Arguments arrive in rdi, rsi, rdx, rcx and r8.

.macro begin name
    .globl escapement_disturbed_\name
    .hidden escapement_disturbed_\name
    .type escapement_disturbed_\name, @function
    .p2align 4
escapement_disturbed_\name:
.endm

.macro end name
    .size escapement_disturbed_\name, . - escapement_disturbed_\name
.endm

.macro arguments
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
.endm

    .text

begin call
    endbr64
    arguments
    syscall
    ret
end call

begin no_call
    endbr64
    arguments
    nop
    ret
end no_call

begin touch
    endbr64
    movb $1, (%rdi)
    ret
end touch

begin handler
    endbr64
    incq escapement_disturbed_signals(%rip)
    ret
end handler

begin return
    movl $15, %eax  // rt_sigreturn
    syscall
end return

// A call, then what the handler and its return would have executed.
begin no_signal
    endbr64
    arguments
    syscall
    endbr64
    incq escapement_disturbed_no_signals(%rip)
    jmp 1f
1:  movl $39, %eax  // getpid
    syscall
    ret
end no_signal

    .bss
    .hidden escapement_disturbed_signals
    .globl escapement_disturbed_signals
    .p2align 3
escapement_disturbed_signals:
    .quad 0
escapement_disturbed_no_signals:
    .quad 0

    .section .note.GNU-stack, "", @progbits
