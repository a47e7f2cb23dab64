; For the B160L: prints on the first serial port, fills and sums memory, and switches the machine off.
        .level 1.1
        .code
        .export _start
_start: ldil L%greeting, %r4
        ldo R%greeting(%r4), %r4
        bl print, %r2
        nop
        ldi 16, %r8
round:  ldil L%0x1000000, %r5
        ldil L%0x8000, %r6
        copy %r8, %r7
        ldil L%0x3c6ef35f, %r10
        ldo R%0x3c6ef35f(%r10), %r10
fill:   stw %r7, 0(%r5)
        sh2add %r7, %r7, %r7
        add %r7, %r10, %r7
        addib,<> -1, %r6, fill
        ldo 4(%r5), %r5
        ldil L%0x1000000, %r5
        ldil L%0x8000, %r6
        copy %r0, %r9
sum:    ldw 0(%r5), %r7
        add %r9, %r7, %r9
        addib,<> -1, %r6, sum
        ldo 4(%r5), %r5
        bl print_number, %r2
        nop
        mfctl %cr16, %r9        ; the interval timer: the time as the guest sees it
        bl print_number, %r2
        nop
        ldil L%line, %r4
        ldo R%line(%r4), %r4
        bl print, %r2
        nop
        addib,<> -1, %r8, round
        nop
        ldil L%farewell, %r4
        ldo R%farewell(%r4), %r4
        bl print, %r2
        nop
        ldil L%0xffd0c000, %r5  ; Lasi's power control register
        ldi 2, %r6
        stw %r6, 0(%r5)
last:   b last
        nop

print:  ldil L%0xffd05800, %r5
        ldb 0(%r4), %r6
        comb,= %r0, %r6, printed
        ldo 1(%r4), %r4
        b print
        stb %r6, 0(%r5)
printed: bv %r0(%r2)
        nop
; %r9 in hexadecimal, and a space
print_number:
        ldil L%0xffd05800, %r5
        ldi 8, %r6
        ldi 10, %r10
digit:  shd %r9, %r9, 28, %r9
        extru %r9, 31, 4, %r7
        comb,< %r7, %r10, small
        ldo 48(%r7), %r11
        ldo 87(%r7), %r11
small:  addib,<> -1, %r6, digit
        stb %r11, 0(%r5)
        ldi 32, %r11
        bv %r0(%r2)
        stb %r11, 0(%r5)

greeting: .stringz "guest: hppa\n"
farewell: .stringz "guest: done\n"
line:   .stringz "\n"
