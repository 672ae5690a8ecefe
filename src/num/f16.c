/* FP16 conversions by bits: the same everywhere, without the processor's own instructions. */
#include "roma/num.h"

float roma_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31u, mantissa = h & 1023u;
    if (exponent == 31) return roma_f32_from_bits(sign | 0x7f800000u | mantissa << 13);
    if (exponent) return roma_f32_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    /* Zero and subnormals: mantissa x 2^-24, exact in FP32. */
    float magnitude = (float)mantissa * roma_pow2(-24);
    return roma_f32_from_bits(sign | roma_f32_bits(magnitude));
}

/* Right shift by n (1..31) of a mantissa, to the nearest, ties to even. */
static uint32_t shift_round(uint32_t x, unsigned n) {
    uint32_t kept = x >> n, rest = x & ((1u << n) - 1), half = 1u << (n - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t roma_f32_to_f16(float f) {
    uint32_t u = roma_f32_bits(f), sign = u >> 16 & 0x8000u, magnitude = u & 0x7fffffffu;
    uint32_t exponent = magnitude >> 23, mantissa = magnitude & 0x7fffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | mantissa >> 13); /* NaN stays one, quiet */
    if (exponent >= 143) return (uint16_t)(sign | 0x7c00u);                          /* 2^16 and above, infinity */
    /* A carry out of the mantissa walks into the exponent, which is the right number, infinity included. */
    if (exponent >= 113) return (uint16_t)(sign | shift_round((exponent - 112) << 23 | mantissa, 13));
    if (exponent < 102) return (uint16_t)sign; /* below half of the smallest subnormal */
    return (uint16_t)(sign | shift_round(0x800000u | mantissa, 126 - exponent));
}
