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
#define Z(bits_, scale_, group_, zeros_)                                                                               \
    { .bits = bits_, .scale = ROMA_SCALE_##scale_, .group = group_, .zeros = ROMA_ZEROS_##zeros_ }
#define T(level_, ...)                                                                                                 \
    {                                                                                                                  \
        .bits = 4, .level = level_, .scale = ROMA_SCALE_F32, .group = 64, .table = { __VA_ARGS__ }                     \
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
    {"2 bit, g32, scale+min   (rtn)", F(2, 0, F16, F16, 32, 0, 0)},
    {"3 bit, g32, scale+min   (rtn)", F(3, 0, F16, F16, 32, 0, 0)},
    {"4 bit, g64, scale+min   (rtn)", F(4, 0, F16, F16, 64, 0, 0)},
    {"4 bit, g64, zero 8    (plain)", F(4, 0, F16, NONE, 64, 0, 8)},
    {"4 bit, g64, FP32 scale  (AWQ)", F(4, 0, F32, NONE, 64, 0, 8)},
    {"4 bit, g64, own zeros  (GPTQ)", Z(4, F16, 64, U4)},
    {"4 bit, g64, own, FP32   (AWQ)", Z(4, F32, 64, U4)},
    {"4 bit int8 table, g64, FP32", T(1, -127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127)},
    {"4 bit fine table, g64   (NF4)",
     T(2, -503, -350, -264, -199, -143, -93, -46, 0, 40, 81, 124, 170, 222, 283, 364, 503)},
};
#define FORMATS (sizeof formats / sizeof *formats)

#endif
