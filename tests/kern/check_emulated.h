/* The formats that models come in, for kernels that run emulated and therefore slowly. */
#ifndef ROMA_TEST_CHECK_EMULATED_H
#define ROMA_TEST_CHECK_EMULATED_H

#include "check_product.h"

static void check_emulated(const roma_kern *k) {
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
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) check_product_format(k, &formats[i], 0);
}

#endif
