! For -M r2d: prints on the second serial port, fills and sums memory, and switches the machine off.
        .globl _start
_start: mov.l a_greeting, r4
        bsr print
        nop
        mov #16, r8
round:  mov.l a_memory, r0
        mov.l n_words, r1
        mov r8, r2
        mov.l n_factor, r3
        mov.l n_summand, r5
fill:   mov.l r2, @r0
        mul.l r3, r2
        sts macl, r2
        add r5, r2
        dt r1
        bf/s fill
        add #4, r0
        mov.l a_memory, r0
        mov.l n_words, r1
        mov #0, r9
sum:    mov.l @r0+, r2
        dt r1
        bf/s sum
        add r2, r9
        bsr print_number
        nop
        mov.l a_line, r4
        bsr print
        nop
        dt r8
        bf round
        mov.l a_farewell, r4
        bsr print
        nop
        mov.l a_power, r0
        mov #1, r1
        mov.w r1, @r0
1:      bra 1b
        nop

print:  mov.l a_port, r0
1:      mov.b @r4+, r1
        tst r1, r1
        bt 2f
        bra 1b
        mov.b r1, @r0
2:      rts
        nop
! r9 in hexadecimal, and a space
print_number:
        mov.l a_port, r0
        mov #8, r1
        mov #10, r4
1:      rotl r9
        rotl r9
        rotl r9
        rotl r9
        mov #15, r2
        and r9, r2
        cmp/hs r4, r2
        bf/s 2f
        add #48, r2
        add #39, r2
2:      mov.b r2, @r0
        dt r1
        bf 1b
        mov #32, r2
        rts
        mov.b r2, @r0

        .align 2
a_greeting: .long greeting
a_farewell: .long farewell
a_line: .long line
a_memory: .long memory
a_port: .long 0xffe8000c        ! SCIF: FTDR
a_power: .long 0xa4000030       ! the board's PA_POWOFF
n_words: .long 0x8000
n_factor: .long 0x19660d
n_summand: .long 0x3c6ef35f
greeting: .asciz "guest: sh4\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .equ memory, 0xad000000
