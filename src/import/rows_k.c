/* Rows of ggml's K types to codes and scales: super-blocks of 256 with an integer scale per 16 or 32 and one or
 * two FP16 factors. A K type subtracts dmin * m where our format adds: the FP16 sign is flipped, which is
 * exact, and so is everything else here. The loops run over runs of 32, so that compilers vectorise them. */
#include "gguf.h"

#define SIGN 0x8000u

static uint16_t negated(const uint8_t *p) { return (uint16_t)(roma_le16(p) ^ SIGN); }

/* 64 bytes: each 32 hold four runs of 32 two-bit elements, lowest bits first. */
static void two_bits(const uint8_t *qs, uint8_t *restrict code) {
    for (unsigned half = 0; half < 2; half++, qs += 32)
        for (unsigned s = 0; s < 8; s += 2, code += 32)
            for (unsigned i = 0; i < 32; i++) code[i] = qs[i] >> s & 3;
}

/* 128 bytes: each `run` of them holds two runs of elements, low nibbles first. */
static void four_bits(const uint8_t *qs, unsigned run, uint8_t *restrict code) {
    for (unsigned k = 0; k < 128 / run; k++, qs += run, code += 2 * run)
        for (unsigned i = 0; i < run; i++) {
            code[i] = qs[i] & 15;
            code[i + run] = qs[i] >> 4;
        }
}

/* Upper bits from a plane of 32 bytes: bit s of byte i belongs to element 32 s + i. */
static void one_bit(const uint8_t *plane, unsigned shift, uint8_t *restrict code) {
    for (unsigned s = 0; s < 8; s++, code += 32)
        for (unsigned i = 0; i < 32; i++) code[i] = (uint8_t)(code[i] | (plane[i] >> s & 1) << shift);
}

void roma_import_row_q2_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 84) {
        two_bits(src + 16, out->code + 256 * b);
        for (unsigned g = 0; g < 16; g++) {
            out->scale[16 * b + g] = src[g] & 15;
            out->min[16 * b + g] = src[g] >> 4;
        }
        out->super_scale[b] = roma_le16(src + 80);
        out->super_min[b] = negated(src + 82);
    }
}

/* 16 six-bit scales in 12 bytes: 8 bytes of low nibbles, then 4 of upper pairs. */
static uint16_t q3_scale(const uint8_t *p, unsigned g) {
    const unsigned low = p[g % 8] >> 4 * (g / 8) & 15, high = p[8 + g % 4] >> 2 * (g / 4) & 3;
    return (uint16_t)(low | high << 4);
}

/* Where the bit of the upper plane is clear, 4 is subtracted: it is the top bit of a code with zero point 4. */
void roma_import_row_q3_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 110) {
        two_bits(src + 32, out->code + 256 * b);
        one_bit(src, 2, out->code + 256 * b);
        for (unsigned g = 0; g < 16; g++) out->scale[16 * b + g] = q3_scale(src + 96, g);
        out->super_scale[b] = roma_le16(src + 108);
    }
}

/* 8 six-bit scales and 8 minima in 12 bytes. */
static void k_scales(const uint8_t *p, uint16_t *scale, uint16_t *min) {
    for (unsigned g = 0; g < 4; g++) {
        scale[g] = p[g] & 63;
        min[g] = p[g + 4] & 63;
        scale[g + 4] = (uint16_t)((p[g + 8] & 15) | p[g] >> 6 << 4);
        min[g + 4] = (uint16_t)(p[g + 8] >> 4 | p[g + 4] >> 6 << 4);
    }
}

void roma_import_row_q4_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 144) {
        four_bits(src + 16, 32, out->code + 256 * b);
        k_scales(src + 4, out->scale + 8 * b, out->min + 8 * b);
        out->super_scale[b] = roma_le16(src);
        out->super_min[b] = negated(src + 2);
    }
}

void roma_import_row_q5_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 176) {
        four_bits(src + 48, 32, out->code + 256 * b);
        one_bit(src + 16, 4, out->code + 256 * b);
        k_scales(src + 4, out->scale + 8 * b, out->min + 8 * b);
        out->super_scale[b] = roma_le16(src);
        out->super_min[b] = negated(src + 2);
    }
}

void roma_import_row_q6_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    uint8_t high[256];
    for (uint64_t b = 0; b < cols / 256; b++, src += 210) {
        uint8_t *code = out->code + 256 * b;
        four_bits(src, 64, code);
        two_bits(src + 128, high);
        for (unsigned i = 0; i < 256; i++) code[i] = (uint8_t)(code[i] | high[i] << 4);
        for (unsigned g = 0; g < 16; g++) out->scale[16 * b + g] = src[192 + g];
        out->super_scale[b] = roma_le16(src + 208);
    }
}
