/* The AVX-VNNI products, emulated by simde, so that they are tested on machines without VNNI too. This file's table
 * takes the place of the library's. */
#define ROMA_SIMDE
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors passed among inlined functions only */
#include "kern/product_avxvnni.c"

#include "check_product.h"

int main(void) {
    check_emulated(&roma_kern_table_avxvnni, roma_kern_get(ROMA_ISA_AVX512) || roma_kern_get(ROMA_ISA_AVXVNNI));
    return TEST_DONE();
}
