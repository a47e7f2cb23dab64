// See linux/calibration/disturbed_code.hpp. Functions that belong together have the same instructions, and the same
// branches in the same places, but for what disturbs. Arguments arrive in x0 to x4.

.macro begin name
    .globl escapement_disturbed_\name
    .hidden escapement_disturbed_\name
    .type escapement_disturbed_\name, %function
    .p2align 4
escapement_disturbed_\name:
.endm

.macro end name
    .size escapement_disturbed_\name, . - escapement_disturbed_\name
.endm

.macro arguments
    mov x8, x0
    mov x0, x1
    mov x1, x2
    mov x2, x3
    mov x3, x4
.endm

.macro increase variable
    adrp x1, \variable
    ldr x2, [x1, :lo12:\variable]
    add x2, x2, #1
    str x2, [x1, :lo12:\variable]
.endm

    .text

begin call
    hint #34
    arguments
    svc #0
    ret
end call

begin no_call
    hint #34
    arguments
    nop
    ret
end no_call

begin touch
    hint #34
    strb wzr, [x0]
    ret
end touch

begin handler
    hint #34
    increase escapement_disturbed_signals
    ret
end handler

begin return
    mov x8, #139  // rt_sigreturn
    svc #0
end return

// A call, then what the handler and its return would have executed.
begin no_signal
    hint #34
    arguments
    svc #0
    hint #34
    increase escapement_disturbed_no_signals
    b 1f
1:  mov x8, #172  // getpid
    svc #0
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

    .section .note.GNU-stack, "", %progbits
