@ For -M virt: prints on the serial port, fills and sums memory, and switches the machine off.
        .arch armv7-a
        .arch_extension virt
        .globl _start
_start: ldr sp, =stack
        ldr r0, =greeting
        bl print
        mov r8, #16
round:  ldr r0, =memory
        mov r1, #0x8000
        mov r2, r8
        ldr r3, =0x19660d
        ldr r4, =0x3c6ef35f
fill:   str r2, [r0], #4
        mla r2, r2, r3, r4
        subs r1, r1, #1
        bne fill
        ldr r0, =memory
        mov r1, #0x8000
        mov r9, #0
sum:    ldr r2, [r0], #4
        add r9, r9, r2
        subs r1, r1, #1
        bne sum
        bl print_number
        mrrc p15, 1, r9, r2, c14        @ CNTVCT: the time as the guest sees it
        bl print_number
        ldr r0, =line
        bl print
        subs r8, r8, #1
        bne round
        ldr r0, =farewell
        bl print
        ldr r0, =0x84000008             @ PSCI SYSTEM_OFF
        hvc #0
1:      wfi
        b 1b

print:  ldr r1, =0x09000000
1:      ldrb r2, [r0], #1
        cmp r2, #0
        bxeq lr
        strb r2, [r1]
        b 1b
@ r9 in hexadecimal, and a space
print_number:
        ldr r1, =0x09000000
        mov r3, #8
1:      ror r9, r9, #28
        and r2, r9, #15
        cmp r2, #10
        addlo r2, r2, #'0'
        addhs r2, r2, #('a' - 10)
        strb r2, [r1]
        subs r3, r3, #1
        bne 1b
        mov r2, #' '
        strb r2, [r1]
        bx lr
        .ltorg

greeting: .asciz "guest: arm\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .bss
        .align 4
        .skip 4096
stack:
memory: .skip 0x20000
