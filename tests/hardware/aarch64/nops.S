// Instructions whose addresses tell how many of them were executed, and one that ends what they began.
    .text
    .globl escapement_test_nops, escapement_test_nops_begin, escapement_test_nops_end, escapement_test_end
    .type escapement_test_nops, %function
escapement_test_nops:
escapement_test_nops_begin:
    .rept 3000
    nop
    .endr
escapement_test_nops_end:
    ret
    .size escapement_test_nops, . - escapement_test_nops
    .type escapement_test_end, %function
escapement_test_end:
    ret
    .size escapement_test_end, . - escapement_test_end
    .section .note.GNU-stack, "", %progbits
