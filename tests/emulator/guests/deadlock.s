# Waits for an interrupt that nothing will raise.
    .include "machine.inc"
    program 1
1:  write_port WAIT, $0
    read_port PENDING           # that of the serial port, when nothing will come there
    jmp 1b
