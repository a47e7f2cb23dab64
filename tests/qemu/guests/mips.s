# For -M malta, big or little endian: prints on the first serial port, fills and sums memory, and resets the machine,
# which ends QEMU when it is told -no-reboot.
        .set noreorder
        .set mips32
        .globl _start
_start: li $16, 16
        la $4, greeting
        bal print
        nop
round:  la $8, memory
        li $9, 0x8000
        move $10, $16
        li $11, 0x19660d
        li $12, 0x3c6ef35f
fill:   sw $10, 0($8)
        mul $10, $10, $11
        addu $10, $10, $12
        addiu $9, $9, -1
        bnez $9, fill
        addiu $8, $8, 4
        la $8, memory
        li $9, 0x8000
        li $17, 0
sum:    lw $10, 0($8)
        addiu $9, $9, -1
        addu $17, $17, $10
        bnez $9, sum
        addiu $8, $8, 4
        bal print_number
        nop
        mfc0 $17, $9            # Count: the time as the guest sees it
        bal print_number
        nop
        la $4, line
        bal print
        nop
        addiu $16, $16, -1
        bnez $16, round
        nop
        la $4, farewell
        bal print
        nop
        li $8, 0xbf000500       # the board's reset register
        li $9, 0x42
        sw $9, 0($8)
1:      b 1b
        nop

print:  li $8, 0xb80003f8
1:      lbu $9, 0($4)
        beqz $9, 2f
        addiu $4, $4, 1
        b 1b
        sb $9, 0($8)
2:      jr $31
        nop
# $17 in hexadecimal, and a space
print_number:
        li $8, 0xb80003f8
        li $9, 28
1:      srlv $10, $17, $9
        andi $10, $10, 15
        slti $11, $10, 10
        bnez $11, 2f
        addiu $12, $10, '0'
        addiu $12, $10, 'a' - 10
2:      sb $12, 0($8)
        bnez $9, 1b
        addiu $9, $9, -4
        li $12, ' '
        jr $31
        sb $12, 0($8)

greeting: .asciz "guest: mips\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .bss
        .align 4
memory: .skip 0x20000
