# Computes, and prints what comes out: the sum of the primes below 3000. Moves its serial port about meanwhile.
    .include "machine.inc"
    program 1
    mov $2, %edi                # candidate
    xor %ebp, %ebp              # sum
next:
    mov $2, %ecx
divide:
    mov %ecx, %eax
    mul %eax
    cmp %edi, %eax
    ja prime
    mov %edi, %eax
    xor %edx, %edx
    div %ecx
    test %edx, %edx
    jz composite
    inc %ecx
    jmp divide
prime:
    add %edi, %ebp
composite:
    test $0x1ff, %edi
    jnz stay
    mov %edi, %eax              # to 6, 7, …: each place is another one
    shr $9, %eax
    add $5, %eax
    mov %eax, %ebx
    mov $MOVE_SERIAL, %edx
    out %eax, %dx
    shl $4, %ebx
    mov %ebx, serial_port
stay:
    inc %edi
    cmp $3000, %edi
    jb next
    mov $text, %esi
    call print
    mov %ebp, %eax
    call print_number
    write_port POWER_OFF, $0
1:  jmp 1b
    printing
text: .asciz "sum of primes: "
