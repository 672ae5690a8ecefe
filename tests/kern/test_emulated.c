/* The AVX-512 products, emulated by simde, so that they are tested on machines without AVX-512 too. This file's table takes the
 * place of the library's. */
#define ROMA_SIMDE
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors passed among inlined functions only */
#include "kern/product_avx512.c"

#include "check_product.h"

int main(void) {
    static const roma_format formats[] = {
        {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32},
        {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8},
        {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32},
        {.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256},
        {.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4},
        {.bits = 4, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256},
        {.bits = 5, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256},
        {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32},
        {.bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1},
        {.bits = 4, .level = ROMA_LEVEL_TABLE, .scale = ROMA_SCALE_F16, .group = 32,
         .table = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) check_product_format(&roma_kern_table_avx512, &formats[i], 0);
    return TEST_DONE();
}
