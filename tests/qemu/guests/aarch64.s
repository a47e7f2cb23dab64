// For -M virt: prints on the serial port, fills and sums memory, and switches the machine off.
        .globl _start
_start: ldr x0, =stack
        mov sp, x0
        ldr x0, =greeting
        bl print
        mov w19, #16
round:  ldr x0, =memory
        mov w1, #0x8000
        mov w2, w19
        ldr w3, =0x19660d
        ldr w4, =0x3c6ef35f
fill:   str w2, [x0], #4
        madd w2, w2, w3, w4
        subs w1, w1, #1
        b.ne fill
        ldr x0, =memory
        mov w1, #0x8000
        mov w20, #0
sum:    ldr w2, [x0], #4
        add w20, w20, w2
        subs w1, w1, #1
        b.ne sum
        bl print_number
        mrs x20, cntvct_el0     // the time as the guest sees it
        bl print_number
        ldr x0, =line
        bl print
        subs w19, w19, #1
        b.ne round
        ldr x0, =farewell
        bl print
        ldr w0, =0x84000008     // PSCI SYSTEM_OFF
        hvc #0
1:      wfi
        b 1b

print:  mov x1, #0x09000000
1:      ldrb w2, [x0], #1
        cbz w2, 2f
        strb w2, [x1]
        b 1b
2:      ret
// w20 in hexadecimal, and a space
print_number:
        mov x1, #0x09000000
        mov w3, #8
        mov w5, #'0'
        mov w6, #('a' - 10)
1:      ror w20, w20, #28
        and w2, w20, #15
        cmp w2, #10
        csel w4, w5, w6, lo
        add w2, w2, w4
        strb w2, [x1]
        subs w3, w3, #1
        b.ne 1b
        mov w2, #' '
        strb w2, [x1]
        ret

greeting: .asciz "guest: aarch64\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .align 3
        .ltorg
        .bss
        .align 4
        .skip 4096
stack:
memory: .skip 0x20000
