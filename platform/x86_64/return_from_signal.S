// How handlers that were installed by Stepper::install return: not by the C library's instructions, which the
// program's own handlers share. Debuggers and unwinders know the frame by these very bytes.
    .text
    .globl escapement_return_from_signal
    .hidden escapement_return_from_signal
    .type escapement_return_from_signal, @function
    nop  // unwinders look at the address before
escapement_return_from_signal:
    mov $15, %rax
    syscall
    .size escapement_return_from_signal, . - escapement_return_from_signal
    .section .note.GNU-stack, "", @progbits
