/* FP32 evaluation of an image's dequantised weights: what `roma eval --against fp32` compares with.
 *
 * Written from the model's definition, without the engine's arithmetic: no codes of activations, no 8-bit cache. Sums
 * of products are FP32 in 16 partial sums, norms, softmax and SiLU double. No libm and a fixed order: the same bits on
 * every machine and number of threads. */
#ifndef TOOLS_FP32_H
#define TOOLS_FP32_H

#include "roma/image.h"

typedef struct fp32 fp32;

/* For windows of up to ctx tokens, logits of up to rows positions at a time. image and team must outlive it. */
int fp32_create(fp32 **f, const roma_image *image, roma_team *team, uint32_t ctx, uint32_t rows, roma_error *err);
void fp32_destroy(fp32 *f);
/* Final hidden states of n tokens. each(ctx, layer, layers) is called between layers; nonzero ends with ECANCEL. */
int fp32_forward(fp32 *f, const int32_t *ids, uint32_t n, int (*each)(void *ctx, uint32_t layer, uint32_t layers),
                 void *ctx, roma_error *err);
/* Logits of positions first to first + n - 1, vocab each; valid until the next call. */
const float *fp32_logits(fp32 *f, uint32_t first, uint32_t n);

/* out[k] = w . x[k] for four rows; n is a multiple of 16. One instance a build: fp32_dot.h is the body. */
void fp32_dot4_any(const float *w, const float *const x[4], size_t n, float out[4]);
void fp32_dot4_avx2(const float *w, const float *const x[4], size_t n, float out[4]);

#endif
