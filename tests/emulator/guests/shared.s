# Two CPUs add to one number under a lock of their own; without it, updates would be lost.
    .include "machine.inc"
    .set TIMES, 3000
    program 2
    mov %eax, %ebp
    mov $TIMES, %ecx
each:
    mov $1, %eax
lock_it:
    xchg %eax, lock
    test %eax, %eax
    jz locked
    pause
    jmp lock_it
locked:
    mov number, %ebx            # in steps, with room for the other CPU in between
    mov $20, %eax
1:  dec %eax
    jnz 1b
    inc %ebx
    mov %ebx, number
    movl $0, lock
    dec %ecx
    jnz each
    lock incl finished
    test %ebp, %ebp
    jnz rest
1:  cmpl $2, finished
    jb 1b
    mov $text, %esi
    call print
    mov number, %eax
    call print_number
    write_port POWER_OFF, $0
rest:
    write_port WAIT, $0
    jmp rest
    printing
text: .asciz "shared: "
    .balign 4096
lock: .long 0
number: .long 0
finished: .long 0
