# Reads a port at which there is nothing.
    .include "machine.inc"
    program 1
    read_port 0xf0
1:  jmp 1b
