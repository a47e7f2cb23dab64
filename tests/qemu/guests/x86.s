# A Multiboot kernel: prints on the first serial port, fills and sums memory, and switches the machine off.
        .equ PORT, 0x3f8
        .text
        .align 4
        .long 0x1badb002, 0, -0x1badb002
        .globl _start
_start: mov $stack, %esp
        mov $greeting, %esi
        call print
        mov $16, %ebp
round:  mov $memory, %edi
        mov $0x8000, %ecx
        mov %ebp, %eax
fill:   mov %eax, (%edi)
        add $4, %edi
        imul $0x19660d, %eax
        add $0x3c6ef35f, %eax
        loop fill
        mov $memory, %edi
        mov $0x8000, %ecx
        xor %ebx, %ebx
sum:    add (%edi), %ebx
        add $4, %edi
        loop sum
        call print_number
        # The time as the guest sees it: the processor's counter, and the timer chip that interrupts are made of.
        rdtsc
        mov %eax, %ebx
        call print_number
        xor %al, %al
        out %al, $0x43
        in $0x40, %al
        mov %al, %bl
        in $0x40, %al
        mov %al, %bh
        call print_number
        mov $'\n', %al
        call put
        dec %ebp
        jnz round
        mov $farewell, %esi
        call print
        mov $0x604, %dx         # ACPI's PM1a control register, where SeaBIOS puts it: to state S5
        mov $0x2000, %ax
        out %ax, %dx
        mov $0xfe, %al          # a machine without ACPI: the keyboard controller resets it
        out %al, $0x64
        lidt nothing            # a machine without that: a fault that cannot be delivered
        int3
end:    hlt
        jmp end

put:    mov $PORT, %dx
        out %al, %dx
        ret
print:  lodsb
        test %al, %al
        jz 1f
        call put
        jmp print
1:      ret
# %ebx in hexadecimal, and a space
print_number:
        mov $8, %ecx
1:      rol $4, %ebx
        mov %bl, %al
        and $15, %al
        add $'0', %al
        cmp $'9', %al
        jbe 2f
        add $('a' - '0' - 10), %al
2:      call put
        loop 1b
        mov $' ', %al
        jmp put

greeting: .asciz "guest: x86\n"
farewell: .asciz "guest: done\n"
        .align 4
nothing: .long 0, 0
        .bss
        .skip 4096
stack:
        .align 4
memory: .skip 0x20000
