# Firmware for -M pseries, from address 0x100 on: prints by hypervisor calls, fills and sums memory, and switches the
# machine off.
        .machine "power8"
        .globl _start
        .org 0x100
_start: lis 20, memory@h
        ori 20, 20, memory@l
        lis 4, greeting@h
        ori 4, 4, greeting@l
        bl print
        li 21, 16
round:  mr 5, 20
        li 6, 0x4000
        mtctr 6
        mr 7, 21
        lis 8, 0x19
        ori 8, 8, 0x660d
        lis 9, 0x3c6e
        ori 9, 9, 0xf35f
fill:   stw 7, 0(5)
        mullw 7, 7, 8
        add 7, 7, 9
        addi 5, 5, 4
        bdnz fill
        mr 5, 20
        mtctr 6
        li 22, 0
sum:    lwz 7, 0(5)
        add 22, 22, 7
        addi 5, 5, 4
        bdnz sum
        bl print_number
        mftb 22                 # the time as the guest sees it
        bl print_number
        li 10, '\n'
        bl put
        addi 21, 21, -1
        cmpwi 21, 0
        bne round
        lis 4, farewell@h
        ori 4, 4, farewell@l
        bl print
        lis 4, power_off@h
        ori 4, 4, power_off@l
        lis 3, 0
        ori 3, 3, 0xf000        # KVMPPC_H_RTAS
        sc 1
1:      b 1b

# The character in r10. H_PUT_TERM_CHAR: terminal, length, the characters from the top of a register on.
put:    li 3, 0x58
        lis 4, 0x7100
        li 5, 1
        sldi 6, 10, 56
        li 7, 0
        sc 1
        blr
print:  mflr 25
        mr 24, 4
1:      lbz 10, 0(24)
        cmpwi 10, 0
        beq 2f
        bl put
        addi 24, 24, 1
        b 1b
2:      mtlr 25
        blr
# r22 in hexadecimal, and a space
print_number:
        mflr 25
        li 23, 8
1:      rlwinm 22, 22, 4, 0, 31
        andi. 10, 22, 15
        cmpwi 10, 10
        addi 10, 10, '0'
        blt 2f
        addi 10, 10, 'a' - '0' - 10
2:      bl put
        addi 23, 23, -1
        cmpwi 23, 0
        bne 1b
        li 10, ' '
        bl put
        mtlr 25
        blr

        .align 3
power_off: .long 0x2003, 2, 1, 0, 0, 0          # token, arguments, results
greeting: .asciz "guest: ppc64\n"
farewell: .asciz "guest: done\n"
        .equ memory, 0x100000
