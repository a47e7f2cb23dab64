# Sends back what it is sent, until no more will come; and then how many bytes it was.
    .include "machine.inc"
    program 1
    write_port HANDLER, $handler
    xor %ebp, %ebp
again:
    cli
    read_port SERIAL_STATE
    test $1, %eax
    jnz byte
    test $2, %eax
    jnz end
    write_port WAIT, $0
    jmp again
byte:
    read_port SERIAL
    out %al, %dx
    inc %ebp
    jmp again
end:
    mov $text, %esi
    call print
    mov %ebp, %eax
    call print_number
    write_port POWER_OFF, $0
1:  jmp 1b
handler:
    pusha
    read_port PENDING
    popa
    popf
    ret
    printing
text: .asciz "\nbytes: "
