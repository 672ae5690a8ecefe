/* The AVX-512 products, emulated by simde, so that they are tested on machines without AVX-512 too. This file's table
 * takes the place of the library's. */
#define ROMA_SIMDE
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors passed among inlined functions only */
#include "kern/product_avx512.c"

#include "check_product.h"

int main(void) {
    check_emulated(&roma_kern_table_avx512, roma_kern_get(ROMA_ISA_AVX512) != NULL);
    return TEST_DONE();
}
