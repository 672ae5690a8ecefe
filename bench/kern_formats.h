/* The formats that models come in, of the benchmarks of the kernels. */
#ifndef ROMA_BENCH_KERN_FORMATS_H
#define ROMA_BENCH_KERN_FORMATS_H

#include "roma/kern.h"

typedef struct {
    const char *name;
    roma_format f;
} kern_format;

#define F(bits_, level_, scale_, min_, group_, super_, zero_)                                                          \
    {                                                                                                                  \
        .bits = bits_, .level = level_, .scale = ROMA_SCALE_##scale_, .min = ROMA_SCALE_##min_, .group = group_,       \
        .super = super_, .zero = zero_                                                                                 \
    }
static const kern_format formats[] = {
    {"4 bit, g32, scale+min (Q4_1)", F(4, 0, F16, F16, 32, 0, 0)},
    {"4 bit, g32, zero 8    (Q4_0)", F(4, 0, F16, NONE, 32, 0, 8)},
    {"8 bit, g32            (Q8_0)", F(8, 0, F16, NONE, 32, 0, 0)},
    {"6 bit, g16, s8x256    (Q6_K)", F(6, 0, S8, NONE, 16, 256, 32)},
    {"4 bit, g32, u6x256    (Q4_K)", F(4, 0, U6, U6, 32, 256, 0)},
    {"5 bit, g32, u6x256    (Q5_K)", F(5, 0, U6, U6, 32, 256, 0)},
    {"3 bit, g16, s6x256    (Q3_K)", F(3, 0, S6, NONE, 16, 256, 4)},
    {"2 bit, g16, u4x256    (Q2_K)", F(2, 0, U4, U4, 16, 256, 0)},
    {"2 bit, g256, zero 1  (TQ2_0)", F(2, 0, F16, NONE, 256, 0, 1)},
    {"2 bit, g128, zero 2   (--bits)", F(2, 0, F16, NONE, 128, 0, 2)},
    {"6 bit, g128, zero 32  (--bits)", F(6, 0, F16, NONE, 128, 0, 32)},
    {"4 bit table, g32    (IQ4_NL)", F(4, 1, F16, NONE, 32, 0, 0)},
    {"5 bit, g32, scale+min (Q5_1)", F(5, 0, F16, F16, 32, 0, 0)},
};
#define FORMATS (sizeof formats / sizeof *formats)

#endif
