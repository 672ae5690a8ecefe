/* The AVX-VNNI products as AVX-512 VL encodes the same instruction: CPUs that have one often lack the other. This
 * file's table takes the place of the library's. */
#include "kern/product_avxvnni.c"

#include "check_product.h"

/* Compiled for AVX-512 as all of this file is: not to be entered without it. */
static NOINLINE void check_vl(void) {
    random_key = 4242; /* other vectors than in test_product */
    const kern_list one = {{&roma_kern_table_avxvnni}, 1};
    check_product(&one, vectors_wanted());
}

int main(void) {
    if (roma_kern_get(ROMA_ISA_AVX512))
        check_vl();
    else
        TEST_SKIP("this CPU has no AVX-512");
    CHECK(roma_kern_best() != NULL);
    return TEST_DONE();
}
