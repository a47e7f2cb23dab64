# Counts ten ticks of 500 microseconds, looking at the clock at each, while it computes; then ten more, waiting.
    .include "machine.inc"
    program 1
    write_port HANDLER, $handler
    write_port TIMER, $500
    sti
busy:
    imul $1103515245, %ebx, %ebx
    add $12345, %ebx
    cmpl $10, ticks
    jb busy
idle:
    write_port WAIT, $0
    cmpl $20, ticks
    jb idle
    write_port TIMER, $0
    mov $text, %esi
    call print
    mov ticks, %eax
    call print_number
    write_port POWER_OFF, $0
1:  jmp 1b
handler:
    pusha
    read_port PENDING
    test $1, %eax
    jz 1f
    incl ticks
    read_port CLOCK_NANOSECONDS
    mov serial_port, %edx
    mov $'.', %al
    out %al, %dx
1:  popa
    popf
    ret
    printing
text: .asciz "\nticks: "
    .balign 4096
ticks: .long 0
