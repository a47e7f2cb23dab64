# For the clipper: prints on the first serial port, fills and sums memory, and halts, which switches the machine off.
        .arch ev67
        .set noat
        .globl _start
_start: br $27, 1f
1:      ldgp $29, 0($27)
        lda $16, greeting
        bsr $26, print
        lda $9, 16($31)
round:  lda $1, memory
        ldah $2, 1($31)
        lda $2, -0x8000($2)
        mov $9, $3
        ldah $4, 0x19($31)
        lda $4, 0x660d($4)
        ldah $5, 0x3c6f($31)
        lda $5, -0xca1($5)
fill:   stl $3, 0($1)
        mull $3, $4, $3
        addl $3, $5, $3
        addq $1, 4, $1
        subl $2, 1, $2
        bne $2, fill
        lda $1, memory
        ldah $2, 1($31)
        lda $2, -0x8000($2)
        mov $31, $10
sum:    ldl $3, 0($1)
        addl $10, $3, $10
        addq $1, 4, $1
        subl $2, 1, $2
        bne $2, sum
        bsr $26, print_number
        rpcc $10                # the time as the guest sees it
        bsr $26, print_number
        lda $16, line
        bsr $26, print
        subl $9, 1, $9
        bne $9, round
        lda $16, farewell
        bsr $26, print
        call_pal 0
2:      br 2b

print:  ldq $1, port
1:      ldbu $2, 0($16)
        beq $2, 2f
        stb $2, 0($1)
        addq $16, 1, $16
        br 1b
2:      ret $31, ($26), 1
# $10 in hexadecimal, and a space
print_number:
        ldq $1, port
        lda $2, 28($31)
1:      srl $10, $2, $3
        and $3, 15, $3
        cmplt $3, 10, $4
        addq $3, '0', $5
        bne $4, 2f
        addq $3, 'a' - 10, $5
2:      stb $5, 0($1)
        subl $2, 4, $2
        bge $2, 1b
        lda $5, ' '($31)
        stb $5, 0($1)
        ret $31, ($26), 1

        .data
        .align 3
port:   .quad 0xfffffd01fc0003f8
greeting: .asciz "guest: alpha\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
        .align 3
memory: .skip 0x20000
