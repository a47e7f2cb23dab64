| For -M virt: prints on the terminal, fills and sums memory, and switches the machine off.
        .globl _start
_start: lea stack, %sp
        lea greeting, %a0
        bsr print
        moveq #16, %d7
round:  lea memory, %a0
        move.l #0x8000, %d0
        move.l %d7, %d1
fill:   move.l %d1, (%a0)+
        mulu.l #0x19660d, %d1
        add.l #0x3c6ef35f, %d1
        subq.l #1, %d0
        bne fill
        lea memory, %a0
        move.l #0x8000, %d0
        clr.l %d6
sum:    add.l (%a0)+, %d6
        subq.l #1, %d0
        bne sum
        bsr print_number
        move.l 0xff006000, %d6          | the goldfish clock: the time as the guest sees it
        bsr print_number
        lea line, %a0
        bsr print
        subq.l #1, %d7
        bne round
        lea farewell, %a0
        bsr print
        move.l #2, 0xff009004           | the controller's command "halt"
1:      bra 1b

print:  clr.l %d0
        move.b (%a0)+, %d0
        beq 1f
        move.l %d0, 0xff008000
        bra print
1:      rts
| %d6 in hexadecimal, and a space
print_number:
        moveq #8, %d1
1:      rol.l #4, %d6
        move.l %d6, %d0
        and.l #15, %d0
        cmp.l #10, %d0
        bcs 2f
        add.l #39, %d0
2:      add.l #48, %d0
        move.l %d0, 0xff008000
        subq.l #1, %d1
        bne 1b
        move.l #32, 0xff008000
        rts

greeting: .asciz "guest: m68k\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .bss
        .align 4
        .skip 4096
stack:
memory: .skip 0x20000
