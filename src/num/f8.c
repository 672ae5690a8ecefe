/* FP8 E4M3 by bits. */
#include "roma/num.h"

float roma_f8_to_f32(uint8_t code) {
    const uint32_t sign = (uint32_t)(code & 0x80) << 24, exponent = code >> 3 & 15u, mantissa = code & 7u;
    if (exponent == 15 && mantissa == 7) return roma_f32_from_bits(sign | 0x7fc00000u);
    if (exponent) return roma_f32_from_bits(sign | (exponent + 120) << 23 | mantissa << 20);
    return roma_f32_from_bits(sign | roma_f32_bits((float)mantissa * roma_pow2(-9)));
}
