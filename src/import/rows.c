/* Rows of ggml's block types to codes and scales: the types with FP16 scales. Layouts as in docs/import.md. */
#include "gguf.h"

/* 16 bytes: low nibbles are elements 0-15, high ones 16-31. */
static void nibbles(const uint8_t *qs, uint8_t *code) {
    for (unsigned i = 0; i < 16; i++) {
        code[i] = qs[i] & 15;
        code[i + 16] = qs[i] >> 4;
    }
}

static void fifth_bits(uint32_t qh, uint8_t *code) {
    for (unsigned i = 0; i < 32; i++) code[i] = (uint8_t)(code[i] | (qh >> i & 1) << 4);
}

void roma_import_row_q4_0(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 32; b++, src += 18) {
        out->scale[b] = roma_le16(src);
        nibbles(src + 2, out->code + 32 * b);
    }
}

void roma_import_row_q4_1(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 32; b++, src += 20) {
        out->scale[b] = roma_le16(src);
        out->min[b] = roma_le16(src + 2);
        nibbles(src + 4, out->code + 32 * b);
    }
}

void roma_import_row_q5_0(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 32; b++, src += 22) {
        out->scale[b] = roma_le16(src);
        nibbles(src + 6, out->code + 32 * b);
        fifth_bits(roma_le32(src + 2), out->code + 32 * b);
    }
}

void roma_import_row_q5_1(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 32; b++, src += 24) {
        out->scale[b] = roma_le16(src);
        out->min[b] = roma_le16(src + 2);
        nibbles(src + 8, out->code + 32 * b);
        fifth_bits(roma_le32(src + 4), out->code + 32 * b);
    }
}

void roma_import_row_q8_0(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 32; b++, src += 34) {
        out->scale[b] = roma_le16(src);
        memcpy(out->code + 32 * b, src + 2, 32);
    }
}

/* Base-3 digits: a byte holds a fraction of 256; the top digit of byte * 3^k mod 256 is digit k. */
static void digits(const uint8_t *qs, unsigned n, unsigned per_byte, uint8_t *code) {
    unsigned power = 1;
    for (unsigned k = 0; k < per_byte; k++, power *= 3)
        for (unsigned i = 0; i < n; i++) code[k * n + i] = (uint8_t)((qs[i] * power & 255) * 3 >> 8);
}

void roma_import_row_tq1_0(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 54) {
        uint8_t *code = out->code + 256 * b;
        digits(src, 32, 5, code);
        digits(src + 32, 16, 5, code + 160);
        digits(src + 48, 4, 4, code + 240);
        out->scale[b] = roma_le16(src + 52);
    }
}

void roma_import_row_tq2_0(const uint8_t *src, uint64_t cols, const roma_row *out) {
    for (uint64_t b = 0; b < cols / 256; b++, src += 66) {
        for (unsigned i = 0; i < 256; i++)
            out->code[256 * b + i] = src[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
        out->scale[b] = roma_le16(src + 64);
    }
}
