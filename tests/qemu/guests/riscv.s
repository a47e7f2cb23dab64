# For -M virt, with or without firmware below it, 32 or 64 bits: prints on the serial port, fills and sums memory, and
# switches the machine off.
        .globl _start
_start: la sp, stack
        la a0, greeting
        jal print
        li s0, 16
round:  la t0, memory
        li t1, 0x8000
        mv t2, s0
        li t3, 0x19660d
        li t4, 0x3c6ef35f
fill:   sw t2, 0(t0)
        mul t2, t2, t3
        add t2, t2, t4
        addi t0, t0, 4
        addi t1, t1, -1
        bnez t1, fill
        la t0, memory
        li t1, 0x8000
        li s1, 0
sum:    lw t2, 0(t0)
        add s1, s1, t2
        addi t0, t0, 4
        addi t1, t1, -1
        bnez t1, sum
        jal print_number
        rdcycle s1              # what the guest sees of time
        jal print_number
        la a0, line
        jal print
        addi s0, s0, -1
        bnez s0, round
        la a0, farewell
        jal print
        li t0, 0x100000         # the test device
        li t1, 0x5555
        sw t1, 0(t0)
1:      wfi
        j 1b

print:  li t0, 0x10000000
1:      lbu t1, 0(a0)
        beqz t1, 2f
        sb t1, 0(t0)
        addi a0, a0, 1
        j 1b
2:      ret
# s1 in hexadecimal, and a space
print_number:
        li t0, 0x10000000
        li t1, 28
        li t4, 10
1:      srl t2, s1, t1
        andi t2, t2, 15
        addi t3, t2, '0'
        blt t2, t4, 2f
        addi t3, t2, 'a' - 10
2:      sb t3, 0(t0)
        addi t1, t1, -4
        bgez t1, 1b
        li t3, ' '
        sb t3, 0(t0)
        ret

greeting: .asciz "guest: riscv\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .bss
        .align 4
        .skip 4096
stack:
memory: .skip 0x20000
