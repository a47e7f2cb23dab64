# For -M virt: prints on the serial port, fills and sums memory, and switches the machine off.
        .globl _start
_start: l.movhi r4, hi(greeting)
        l.ori r4, r4, lo(greeting)
        l.jal print
        l.nop
        l.addi r16, r0, 16
round:  l.movhi r5, 0x100
        l.ori r6, r0, 0x8000
        l.or r7, r16, r0
        l.movhi r8, 0x19
        l.ori r8, r8, 0x660d
        l.movhi r10, 0x3c6e
        l.ori r10, r10, 0xf35f
fill:   l.sw 0(r5), r7
        l.mul r7, r7, r8
        l.add r7, r7, r10
        l.addi r5, r5, 4
        l.addi r6, r6, -1
        l.sfne r6, r0
        l.bf fill
        l.nop
        l.movhi r5, 0x100
        l.ori r6, r0, 0x8000
        l.addi r17, r0, 0
sum:    l.lwz r7, 0(r5)
        l.add r17, r17, r7
        l.addi r5, r5, 4
        l.addi r6, r6, -1
        l.sfne r6, r0
        l.bf sum
        l.nop
        l.jal print_number
        l.nop
        l.movhi r4, hi(line)
        l.ori r4, r4, lo(line)
        l.jal print
        l.nop
        l.addi r16, r16, -1
        l.sfne r16, r0
        l.bf round
        l.nop
        l.movhi r4, hi(farewell)
        l.ori r4, r4, lo(farewell)
        l.jal print
        l.nop
        l.movhi r5, 0x9600      # the test device
        l.ori r6, r0, 0x5555
        l.sw 0(r5), r6
1:      l.j 1b
        l.nop

print:  l.movhi r5, 0x9000
1:      l.lbz r6, 0(r4)
        l.sfeq r6, r0
        l.bf 2f
        l.addi r4, r4, 1
        l.j 1b
        l.sb 0(r5), r6
2:      l.jr r9
        l.nop
# r17 in hexadecimal, and a space
print_number:
        l.movhi r5, 0x9000
        l.addi r6, r0, 28
1:      l.srl r7, r17, r6
        l.andi r7, r7, 15
        l.sfltui r7, 10
        l.bf 2f
        l.addi r8, r7, 48
        l.addi r8, r7, 87
2:      l.sb 0(r5), r8
        l.addi r6, r6, -4
        l.sfgesi r6, 0
        l.bf 1b
        l.nop
        l.addi r8, r0, 32
        l.jr r9
        l.sb 0(r5), r8

greeting: .asciz "guest: or1k\n"
farewell: .asciz "guest: done\n"
line:   .asciz "\n"
