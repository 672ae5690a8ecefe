/* A cache page and how a position enters it: docs/numerics.md section 4. */
#include "roma/num.h"

#include <assert.h>

#define MAX_HEAD 512 /* the exact int32 sum of a score bounds the head (numerics.md 4.2) */

size_t roma_kv_page_bytes(unsigned head_dim) {
    return 2 * (size_t)ROMA_PAGE * head_dim + 2 * ROMA_PAGE * sizeof(float);
}

void roma_kv_page_init(roma_kv_page *p, void *block, unsigned head_dim) {
    uint8_t *at = block;
    p->k = (int8_t *)at;
    p->v = p->k + ROMA_PAGE * head_dim;
    p->k_scale = (float *)(void *)(at + 2 * (size_t)ROMA_PAGE * head_dim);
    p->v_scale = p->k_scale + ROMA_PAGE;
}

void roma_kv_page_put(const roma_kv_page *p, unsigned head_dim, unsigned slot, const float *k, const float *v) {
    int8_t code[MAX_HEAD];
    assert(head_dim <= MAX_HEAD);
    p->k_scale[slot] = roma_quantise_i8(k, head_dim, code);
    int8_t *tile = p->k + slot / 16 * 16 * head_dim + slot % 16 * 4;
    for (unsigned d = 0; d < head_dim; d++) tile[d / 4 * 64 + d % 4] = code[d];
    p->v_scale[slot] = roma_quantise_i8(v, head_dim, code);
    tile = p->v + slot / 4 * 64 + slot % 4;
    for (unsigned d = 0; d < head_dim; d++) tile[d / 16 * 16 * ROMA_PAGE + d % 16 * 4] = code[d];
}
