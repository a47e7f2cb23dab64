// See escapement/known_code.hpp; what each counts stands in known_code.cpp. n arrives in x0, at least 1; each
// returns how often it had to begin again. Only registers that calls may change are used.

.macro begin name
    .globl escapement_known_\name
    .hidden escapement_known_\name
    .type escapement_known_\name, %function
    .p2align 4
escapement_known_\name:
    hint #34
.endm

.macro end name
    mov x0, xzr
    ret
    .size escapement_known_\name, . - escapement_known_\name
.endm

    .arch armv8.1-a
    .text

begin straight
1:  .rept 32
    add x1, x1, #1
    eor x2, x2, x1
    .endr
    subs x0, x0, #1
    b.ne 1b
end straight

begin taken
1:  subs x0, x0, #1
    b.ne 1b
end taken

begin not_taken
1:  cbz x0, 2f
    tbnz xzr, #0, 2f
    cmp x0, #0
    b.eq 2f
    subs x0, x0, #1
    b.ne 1b
2:
end not_taken

// Branches that no predictor guesses: they go by the bits of a linear-feedback shift register. Of the two one
// is taken, and both ways are equally long.
begin mispredicted
    mov w1, #0x5eed
    mov w4, #0xa3000000
1:  tbz w1, #0, 2f
    nop
    b 3f
2:  nop
    b 3f
3:  tbnz w1, #0, 4f
4:  and w2, w1, #1
    neg w2, w2
    and w2, w2, w4
    eor w1, w2, w1, lsr #1
    subs x0, x0, #1
    b.ne 1b
end mispredicted

// The link register is kept in registers that calls may change.
begin calls
    mov x9, x30
1:  bl 2f
    subs x0, x0, #1
    b.ne 1b
    mov x30, x9
    b 9f
2:  mov x10, x30
    bl 3f
    ret x10
3:  mov x11, x30
    bl 4f
    ret x11
4:  mov x12, x30
    bl 5f
    bl 5f
    ret x12
5:  ret
9:
end calls

begin indirect
    adr x16, 2f
    adr x17, 3f
1:  br x16
2:  hint #36
    br x17
3:  hint #36
    subs x0, x0, #1
    b.ne 1b
end indirect

// A store exclusive fails if the thread was interrupted since the load, or for reasons of the processor's own.
begin exclusive
    sub sp, sp, #16
    mov x4, xzr
    str xzr, [sp]
1:  ldxr x1, [sp]
    add x1, x1, #1
    stxr w2, x1, [sp]
    cbnz w2, 2f
    subs x0, x0, #1
    b.ne 1b
    add sp, sp, #16
    mov x0, x4
    ret
2:  add x4, x4, #1
    b 1b
    .size escapement_known_exclusive, . - escapement_known_exclusive

begin atomic
    sub sp, sp, #16
    str xzr, [sp]
1:  ldadd x0, x1, [sp]
    swpal x0, x1, [sp]
    cas x1, x0, [sp]
    stset x0, [sp]
    subs x0, x0, #1
    b.ne 1b
    add sp, sp, #16
end atomic

    .section .note.GNU-stack, "", %progbits
