/* Pages of the cache in each format, and how a position enters one: docs/numerics.md sections 4 and 4.7. */
#include "magnitude.h"

#include <assert.h>
#include <string.h>

#define MAX_HEAD 512 /* the exact int32 sum of a score bounds the head (numerics.md 4.2) */

const roma_kv_format roma_kv_formats[ROMA_KV_COUNT] = {
    [ROMA_KV_INT8] = {"int8", ROMA_KV_CODE_INT8, ROMA_KV_CODE_INT8, false},
    [ROMA_KV_F16] = {"f16", ROMA_KV_CODE_F16, ROMA_KV_CODE_F16, true},
    [ROMA_KV_FP8] = {"fp8", ROMA_KV_CODE_FP8, ROMA_KV_CODE_FP8, true},
    [ROMA_KV_INT4] = {"int4", ROMA_KV_CODE_INT8, ROMA_KV_CODE_INT4, false},
};

const char *roma_kv_names(void) { return "int8, f16, fp8, int4"; }

const roma_kv_format *roma_kv_find(const char *name) {
    for (unsigned i = 0; i < ROMA_KV_COUNT; i++)
        if (!name || strcmp(name, roma_kv_formats[i].name) == 0) return &roma_kv_formats[i];
    return NULL;
}

/* ---- where codes lie ---- */

static unsigned bits_of(roma_kv_code code) {
    switch (code) {
    case ROMA_KV_CODE_INT8:
    case ROMA_KV_CODE_FP8: return 8;
    case ROMA_KV_CODE_F16: return 16;
    case ROMA_KV_CODE_INT4: return 4;
    }
    return 0;
}

size_t roma_kv_code_bytes(roma_kv_code code, unsigned head_dim) {
    return (size_t)ROMA_PAGE * head_dim * bits_of(code) / 8;
}

size_t roma_kv_bytes(const roma_kv_format *f, unsigned head_dim) {
    return roma_kv_code_bytes(f->k, head_dim) + roma_kv_code_bytes(f->v, head_dim) + 2 * ROMA_PAGE * sizeof(float);
}

void roma_kv_init(const roma_kv_format *f, roma_kv_page *p, void *block, unsigned head_dim) {
    p->k = block;
    p->v = p->k + roma_kv_code_bytes(f->k, head_dim);
    p->k_scale = (float *)(void *)(p->v + roma_kv_code_bytes(f->v, head_dim));
    p->v_scale = p->k_scale + ROMA_PAGE;
}

static bool is_tiled(roma_kv_code code) { return code == ROMA_KV_CODE_INT8 || code == ROMA_KV_CODE_INT4; }

static size_t place(roma_kv_code code, unsigned head_dim, bool of_values, unsigned slot, unsigned d) {
    if (!is_tiled(code)) return of_values ? (size_t)slot * head_dim + d : (size_t)d * ROMA_PAGE + slot;
    return of_values ? (size_t)d / 16 * 16 * ROMA_PAGE + slot / 4 * 64 + d % 16 * 4 + slot % 4
                     : (size_t)slot / 16 * 16 * head_dim + d / 4 * 64 + slot % 16 * 4 + d % 4;
}

uint16_t roma_kv_get(roma_kv_code code, const int8_t *codes, unsigned head_dim, bool of_values, unsigned slot,
                     unsigned d) {
    const uint8_t *at = (const uint8_t *)codes;
    const size_t i = place(code, head_dim, of_values, slot, d);
    switch (code) {
    case ROMA_KV_CODE_INT8:
    case ROMA_KV_CODE_FP8: return at[i];
    case ROMA_KV_CODE_F16: return roma_le16(at + 2 * i);
    case ROMA_KV_CODE_INT4: return (uint16_t)(at[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15);
    }
    return 0;
}

static void set(roma_kv_code code, int8_t *codes, size_t i, uint16_t stored) {
    uint8_t *at = (uint8_t *)codes, *pair = at + i / 64 * 32 + i % 32;
    const unsigned shift = (unsigned)(i % 64 / 32 * 4);
    switch (code) {
    case ROMA_KV_CODE_INT8:
    case ROMA_KV_CODE_FP8: at[i] = (uint8_t)stored; break;
    case ROMA_KV_CODE_F16: roma_put16(at + 2 * i, stored); break;
    case ROMA_KV_CODE_INT4: *pair = (uint8_t)((*pair & 0xf0 >> shift) | (stored & 15) << shift); break;
    }
}

/* ---- what codes are ---- */

float roma_kv_value(roma_kv_code code, uint16_t stored) {
    switch (code) {
    case ROMA_KV_CODE_INT8: return (int8_t)stored;
    case ROMA_KV_CODE_F16: return roma_f16_to_f32(stored);
    case ROMA_KV_CODE_FP8: return roma_f8_to_f32((uint8_t)stored) * roma_pow2(-8);
    case ROMA_KV_CODE_INT4: return (float)((stored ^ 8) - 8);
    }
    return 0;
}

/* Codes of floating point: x * 2^(top - E) rounded, E the exponent of the largest. */
static float put_floats(roma_kv_code code, const float *x, unsigned n, uint16_t *out) {
    const float max = max_magnitude(x, n);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        memset(out, 0, n * sizeof *out);
        return max < NUM_TINY ? 0 : quiet_nan();
    }
    const bool half = code == ROMA_KV_CODE_F16;
    const int e = roma_exponent(max);
    const float up = roma_pow2((half ? 14 : 7) - e);
    for (unsigned i = 0; i < n; i++) out[i] = half ? roma_f32_to_f16(x[i] * up) : roma_f32_to_f8(x[i] * up);
    return roma_pow2(half ? e - 14 : e + 1);
}

static float encode(roma_kv_code code, const float *x, unsigned n, uint16_t *out) {
    int8_t byte[MAX_HEAD];
    if (!is_tiled(code)) return put_floats(code, x, n, out);
    const float scale = (code == ROMA_KV_CODE_INT4 ? roma_quantise_i4 : roma_quantise_i8)(x, n, byte);
    for (unsigned i = 0; i < n; i++) out[i] = (uint8_t)byte[i];
    return scale;
}

static float put(roma_kv_code code, int8_t *codes, unsigned head_dim, bool of_values, unsigned slot, const float *x) {
    uint16_t out[MAX_HEAD];
    assert(head_dim <= MAX_HEAD);
    const float scale = encode(code, x, head_dim, out);
    for (unsigned d = 0; d < head_dim; d++) set(code, codes, place(code, head_dim, of_values, slot, d), out[d]);
    return scale;
}

void roma_kv_put(const roma_kv_format *f, const roma_kv_page *p, unsigned head_dim, unsigned slot, const float *k,
                 const float *v) {
    p->k_scale[slot] = put(f->k, p->k, head_dim, false, slot, k);
    p->v_scale[slot] = put(f->v, p->v, head_dim, true, slot, v);
}

/* ---- unpacked ---- */

/* An FP8 is the upper half of the F16 that is 2^-8 of it, but for the place of its bits. */
int8_t *roma_kv_unpack(roma_kv_code code, int8_t *codes, unsigned head_dim, void *scratch) {
    const uint8_t *at = (const uint8_t *)codes;
    const size_t n = (size_t)ROMA_PAGE * head_dim;
    uint8_t *half = scratch;
    int8_t *byte = scratch;
    switch (code) {
    case ROMA_KV_CODE_INT8:
    case ROMA_KV_CODE_F16: return codes;
    case ROMA_KV_CODE_FP8:
        for (size_t i = 0; i < n; i++) { /* byte by byte: compilers make vectors of that */
            half[2 * i] = (uint8_t)(at[i] << 7);
            half[2 * i + 1] = (uint8_t)((at[i] & 0x80) | (at[i] & 0x7f) >> 1);
        }
        break;
    case ROMA_KV_CODE_INT4:
        for (size_t i = 0; i < n; i += 64, at += 32)
            for (size_t j = 0; j < 32; j++) {
                byte[i + j] = (int8_t)(((at[j] & 15) ^ 8) - 8);
                byte[i + j + 32] = (int8_t)(((at[j] >> 4) ^ 8) - 8);
            }
        break;
    }
    return scratch;
}

/* ---- int8 ---- */

size_t roma_kv_page_bytes(unsigned head_dim) { return roma_kv_bytes(&roma_kv_formats[ROMA_KV_INT8], head_dim); }

void roma_kv_page_init(roma_kv_page *p, void *block, unsigned head_dim) {
    roma_kv_init(&roma_kv_formats[ROMA_KV_INT8], p, block, head_dim);
}

void roma_kv_page_put(const roma_kv_page *p, unsigned head_dim, unsigned slot, const float *k, const float *v) {
    roma_kv_put(&roma_kv_formats[ROMA_KV_INT8], p, head_dim, slot, k, v);
}
