/* Products of every instruction set of this machine against the reference, bit by bit. */
#include "check_product.h"

int main(void) {
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        if (!k) continue;
        random_key = (uint64_t)isa;
        check_product(k);
    }
    CHECK(roma_kern_best() != NULL);
    return TEST_DONE();
}
