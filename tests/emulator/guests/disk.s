# Fills sectors with numbers, up to four requests at a time, reads them back elsewhere, compares checksums (FNV-1a of
# words), and prints that of what it read.
# Sector s begins with the numbers 0x10000 * s + 0, 1, 2, …
    .include "machine.inc"
    .set SECTORS, 24
    .set OUT_BUFFERS, 0x20000
    .set IN_BUFFERS, 0x40000
    program 1
    write_port HANDLER, $handler
    sti
    # What is to be written, and its checksum.
    mov $OUT_BUFFERS, %edi
    xor %ecx, %ecx
fill_sector:
    mov %ecx, %eax
    shl $16, %eax
    mov $128, %ebx
fill:
    mov %eax, (%edi)
    add $4, %edi
    inc %eax
    dec %ebx
    jnz fill
    inc %ecx
    cmp $SECTORS, %ecx
    jb fill_sector
    movl $2, kind
    movl $OUT_BUFFERS, buffers
    call all_sectors
    movl $1, kind
    movl $IN_BUFFERS, buffers
    call all_sectors
    # A sector that no disk has.
    write_port DISK_SECTOR, $0xfffffff0
    write_port DISK, $1
    incl asked
    call wait_for_all
    mov $OUT_BUFFERS, %esi
    call checksum
    mov %eax, %ebp
    mov $IN_BUFFERS, %esi
    call checksum
    push %eax
    mov $text, %esi
    call print
    pop %eax
    cmp %eax, %ebp
    mov $1, %ebp
    jne 1f
    cmpl $1, failed
    jne 1f
    xor %ebp, %ebp
1:  call print_number
    write_port POWER_OFF, %ebp
2:  jmp 2b

all_sectors:                    # kind and buffers say what and where
    xor %ecx, %ecx
each_sector:
    write_port DISK_SECTOR, %ecx
    mov %ecx, %ebx
    shl $9, %ebx
    add buffers, %ebx
    write_port DISK_ADDRESS, %ebx
    write_port DISK, kind
    incl asked
1:  mov asked, %eax
    sub done, %eax
    cmp $4, %eax
    jb 2f
    write_port WAIT, $0
    jmp 1b
2:  inc %ecx
    cmp $SECTORS, %ecx
    jb each_sector
wait_for_all:
    mov asked, %eax
    cmp done, %eax
    je 1f
    write_port WAIT, $0
    jmp wait_for_all
1:  ret

checksum:                       # of the buffers at esi, in eax
    mov $(SECTORS * 128), %ecx
    mov $0x811c9dc5, %eax
1:  xor (%esi), %eax
    imul $0x01000193, %eax, %eax
    add $4, %esi
    dec %ecx
    jnz 1b
    ret

handler:
    pusha
    read_port PENDING
1:  read_port DISK
    test %eax, %eax
    jz 3f
    jns 2f
    incl failed
2:  incl done
    jmp 1b
3:  popa
    popf
    ret
    printing
text: .asciz "disk: "
    .balign 4096
kind: .long 0
buffers: .long 0
asked: .long 0
done: .long 0
failed: .long 0
