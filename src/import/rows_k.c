/* Rows of ggml's K types to codes and scales: super-blocks of 256 with an integer scale per 16 or 32 and one or
 * two FP16 factors. A K type subtracts dmin * m where our format adds: the FP16 sign is flipped, which is
 * exact, and so is everything else here. */
#include "gguf.h"

#define SIGN 0x8000u

static uint16_t negated(const uint8_t *p) { return (uint16_t)(roma_le16(p) ^ SIGN); }

/* Element i of 2-bit codes: 32 bytes hold four runs of 32. */
static uint8_t two_bits(const uint8_t *qs, unsigned i) { return qs[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3; }

void import_row_q2_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 84) {
        for (unsigned i = 0; i < 256; i++) out->code[256 * b + i] = two_bits(src + 16, i);
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

/* The third bit has a plane of its own: bit i / 32 of byte i % 32. Where it is clear, 4 is subtracted, so it is
 * the upper bit of a code with zero point 4. */
void import_row_q3_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 110) {
        for (unsigned i = 0; i < 256; i++)
            out->code[256 * b + i] = (uint8_t)(two_bits(src + 32, i) | (src[i % 32] >> i / 32 & 1) << 2);
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

/* 32 bytes hold two runs of 32 elements, low nibbles first. */
static uint8_t four_bits(const uint8_t *qs, unsigned i) { return qs[i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15; }

void import_row_q4_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 144) {
        for (unsigned i = 0; i < 256; i++) out->code[256 * b + i] = four_bits(src + 16, i);
        k_scales(src + 4, out->scale + 8 * b, out->min + 8 * b);
        out->super_scale[b] = roma_le16(src);
        out->super_min[b] = negated(src + 2);
    }
}

void import_row_q5_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 176) {
        for (unsigned i = 0; i < 256; i++)
            out->code[256 * b + i] = (uint8_t)(four_bits(src + 48, i) | (src[16 + i % 32] >> i / 32 & 1) << 4);
        k_scales(src + 4, out->scale + 8 * b, out->min + 8 * b);
        out->super_scale[b] = roma_le16(src);
        out->super_min[b] = negated(src + 2);
    }
}

/* Low nibbles: 64 bytes hold two runs of 64; upper pairs as two_bits. */
void import_row_q6_k(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 210) {
        for (unsigned i = 0; i < 256; i++) {
            const int low = src[i / 128 * 64 + i % 64] >> 4 * (i % 128 / 64) & 15;
            out->code[256 * b + i] = (uint8_t)(low | two_bits(src + 128, i) << 4);
        }
        for (unsigned g = 0; g < 16; g++) out->scale[16 * b + g] = src[192 + g];
        out->super_scale[b] = roma_le16(src + 208);
    }
}
