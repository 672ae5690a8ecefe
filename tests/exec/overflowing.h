/* A random model of finite weights whose arithmetic overflows on four tokens. Each of them alone has a group of 32
 * channels that no matrix writes, and a norm that blows these channels up:
 *  - MIXED: its logits are +infinity for tokens that are 0 modulo 3, -infinity for 1 modulo 3, finite for the rest;
 *  - NONE: all its logits are -infinity;
 *  - NOT: all its logits are NaN; what follows it does not see that;
 *  - POISON: its keys and values of layer 1 are NaN, so that it and all that follows it in its sequence have NaN
 * logits.
 */
#ifndef TEST_EXEC_OVERFLOWING_H
#define TEST_EXEC_OVERFLOWING_H

#include "random_model.h"

enum { MIXED, NONE, NOT, POISON, SPECIALS, CHANNELS = 32 };

typedef struct {
    random_model m;
    int32_t special[SPECIALS]; /* token of each */
} overflowing;

static const float special_value = 0.05f;

/* Codes and scale of 32 channels of a row; a role's random ones when no special channel is among them. */
static void overflowing_group(const overflowing *o, uint32_t role, uint32_t row, uint32_t kind, int8_t *code,
                              float *scale) {
    int value = 0;
    if (role == ROMA_W_EMBED) {
        value = (int32_t)row == o->special[kind] ? 127 : 0;
        *scale = special_value / 127;
    } else if (role == ROMA_W_HEAD) {
        value = kind == MIXED ? (row % 3 == 0 ? 127 : row % 3 == 1 ? -127 : 0) : kind == NONE ? -127 : 0;
        *scale = 65504;
    }
    memset(code, value, CHANNELS);
}

static void overflowing_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const overflowing *o = ctx;
    const roma_image_tensor *t = &o->m.tensors[tensor];
    const bool writes = t->role == ROMA_W_O || t->role == ROMA_W_DOWN;
    const bool reads = t->role == ROMA_W_EMBED || t->role == ROMA_W_HEAD;
    int8_t code[512];
    uint16_t scale[16];
    const roma_row row = {(uint8_t *)code, scale, NULL, NULL, NULL, NULL, NULL};
    for (uint32_t r = 0; r < 16 && tile * 16 + r < t->rows; r++) {
        const uint32_t at = (uint32_t)tile * 16 + r;
        for (uint32_t g = 0; g < t->cols / CHANNELS; g++) {
            float s =
                (writes ? 0.1f : 1.0f) * (0.5f + random_float(o->m.seed + tensor * 7919 + at, 9000 + g) / 4) / 1000;
            for (uint32_t i = 0; i < CHANNELS; i++)
                code[g * CHANNELS + i] =
                    (int8_t)(roma_random(o->m.seed * 1000003 + tensor * 65537 + at, g * CHANNELS + i) % 255 - 127);
            if (writes && at < SPECIALS * CHANNELS) memset(code + g * CHANNELS, 0, CHANNELS);
            if (reads && g < SPECIALS) overflowing_group(o, t->role, at, g, code + g * CHANNELS, &s);
            scale[g] = roma_f32_to_f16(s);
        }
        roma_tile_put_row(&t->format, t->cols, out, r, &row);
    }
}

static void overflowing_vector(void *ctx, size_t tensor, float *out) {
    const overflowing *o = ctx;
    const roma_image_tensor *t = &o->m.tensors[tensor];
    for (uint32_t i = 0; i < t->cols; i++) {
        out[i] = 1.0f + 0.3f * random_float(o->m.seed + tensor, i);
        if (t->role == ROMA_W_FINAL_NORM && i / CHANNELS <= NONE) out[i] = 0x1p99f / special_value;
        if (t->role == ROMA_W_FINAL_NORM && i / CHANNELS == NOT) out[i] = 0x1p120f;
        if (t->role == ROMA_W_ATTN_NORM && t->layer == 1 && i / CHANNELS == POISON) out[i] = 0x1p120f;
    }
}

/* vocab may be NULL: an image without a tokenizer. */
static inline int overflowing_write(overflowing *o, const char *path, uint32_t tokens, const roma_vocab *vocab,
                                    const int32_t special[SPECIALS], roma_error *err) {
    static const roma_format q8_f16 = {.bits = 8, .scale = ROMA_SCALE_F16, .group = CHANNELS};
    const roma_tile_source src = {.ctx = o, .tile = overflowing_tile, .vector = overflowing_vector};
    roma_image_written w;
    random_model_init(&o->m, ROMA_ARCH_LLAMA, q8_f16, 5);
    memcpy(o->special, special, sizeof o->special);
    o->m.d.hyper.vocab = tokens;
    for (size_t i = 0; i < o->m.d.n_tensors; i++)
        roma_hyper_shape(&o->m.d.hyper, o->m.tensors[i].role, &o->m.tensors[i].rows, &o->m.tensors[i].cols);
    return roma_image_write(path, &o->m.d, vocab, "overflows", &src, NULL, &w, err);
}

#endif
