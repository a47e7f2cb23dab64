// How handlers that were installed by Stepper::install return: not by the kernel's instructions, which the
// program's own handlers share. Debuggers and unwinders know the frame by these very words.
    .text
    .globl escapement_return_from_signal
    .hidden escapement_return_from_signal
    .type escapement_return_from_signal, %function
    nop  // unwinders look at the address before
escapement_return_from_signal:
    mov x8, #139
    svc #0
    .size escapement_return_from_signal, . - escapement_return_from_signal
    .section .note.GNU-stack, "", %progbits
