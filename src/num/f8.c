/* FP8 E4M3 by bits. */
#include "roma/num.h"

float roma_f8_to_f32(uint8_t code) {
    const uint32_t sign = (uint32_t)(code & 0x80) << 24, exponent = code >> 3 & 15u, mantissa = code & 7u;
    if (exponent == 15 && mantissa == 7) return roma_f32_from_bits(sign | 0x7fc00000u);
    if (exponent) return roma_f32_from_bits(sign | (exponent + 120) << 23 | mantissa << 20);
    return roma_f32_from_bits(sign | roma_f32_bits((float)mantissa * roma_pow2(-9)));
}

uint8_t roma_f32_to_f8(float v) {
    const uint32_t u = roma_f32_bits(v), sign = u >> 24 & 0x80u;
    const float m = roma_f32_from_bits(u & 0x7fffffffu);
    if (m != m) return (uint8_t)(sign | 0x7f);
    if (m >= 448) return (uint8_t)(sign | 0x7e);
    /* Steps of 2^-9 below 2^-6, and of an eighth of the power of two above; a carry walks into the exponent. */
    if (m < roma_pow2(-6)) return (uint8_t)(sign | (uint32_t)roma_rint(m * 512));
    const int e = roma_exponent(m);
    return (uint8_t)(sign | ((uint32_t)((e + 6) * 8) + (uint32_t)roma_rint(m * roma_pow2(3 - e))));
}
