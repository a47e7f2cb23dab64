# A disk whose boot sector reads the rest of it through the firmware, which waits for each request by spinning; prints
# the sum on the first serial port, and switches the machine off.
        .equ PORT, 0x3f8
        .equ SECTORS, 512
        .equ AT_ONCE, 8
        .code16
        .text
        .globl _start
_start: xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $_start, %sp
        mov $0x1000, %ax        # where what is read goes to
        mov %ax, %es
        xor %ebx, %ebx
next:   mov $request, %si
        mov $0x42, %ah          # INT 13h: extended read; the firmware gave the drive in dl
        push %dx
        int $0x13
        pop %dx
        mov $failed, %si
        jc say
        xor %di, %di
sum:    rol $3, %ebx
        add %es:(%di), %ebx
        add $4, %di
        cmp $AT_ONCE * 512, %di
        jne sum
        addw $AT_ONCE, first
        cmpw $SECTORS, first
        jb next

        mov $8, %cx
digit:  rol $4, %ebx
        mov %bl, %al
        and $15, %al
        add $'0', %al
        cmp $'9', %al
        jbe 1f
        add $'a' - '9' - 1, %al
1:      call put
        loop digit
        mov $farewell, %si
say:    lodsb
        test %al, %al
        jz off
        call put
        jmp say
off:    mov $0x604, %dx         # ACPI's PM1a control register, where SeaBIOS puts it: to state S5
        mov $0x2000, %ax
        out %ax, %dx
end:    hlt
        jmp end

put:    push %dx
        mov $PORT, %dx
        out %al, %dx
        pop %dx
        ret

farewell: .asciz "\nguest: done\n"
failed: .asciz "guest: a read failed\n"
        .align 4
request: .byte 16, 0
        .word AT_ONCE, 0, 0x1000
first:  .word 0, 0, 0, 0

        .org 510
        .word 0xaa55
        .set value, 1
        .rept (SECTORS - 1) * 128
        .long value
        .set value, (value * 0x19660d + 0x3c6ef35f) & 0xffffffff
        .endr
        .org 4 << 20            # to a smaller one, the firmware does not get an answer from QEMU 10.0's virtio
