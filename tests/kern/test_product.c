/* Products of every instruction set of this machine against the reference, bit by bit. */
#include "check_product.h"

int main(void) {
    kern_list list = {.n = 0};
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++)
        for (unsigned v = 0; roma_kern_get((roma_isa)isa) && roma_kern_variant(roma_kern_get((roma_isa)isa), v); v++)
            list.k[list.n++] = roma_kern_variant(roma_kern_get((roma_isa)isa), v);
    check_product(&list, vectors_wanted());
    CHECK(roma_kern_best() != NULL);
    return TEST_DONE();
}
