/* ref - the slow truth: a model's forward pass in FP32, on an image's dequantised weights or on those of a model file.
 *
 * The room is written from the model's definition and not from docs/numerics.md: activations have no codes and the
 * cache has no 8 bits. Sums of products are FP32 in 16 partial sums; norms, softmax and SiLU are double. There is no
 * libm and one fixed order, so a window gives the same bits on every machine and number of threads. Adapters are left
 * out. Thread rule: an evaluator belongs to one thread; the members of its team work for it inside a call.
 */
#ifndef ROMA_REF_H
#define ROMA_REF_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct roma_ref roma_ref;

/* Weights as the evaluator asks for them: `find` gives a role's tensor in a layer, or NULL, `row` the FP32 values of
 * its row r (a vector has row 0), as wide as roma_hyper_shape says. Both are called by several threads at once. */
typedef struct {
    const roma_hyper *hyper;
    const void *from;
    const void *(*find)(const void *from, uint32_t role, uint32_t layer);
    void (*row)(const void *tensor, uint64_t r, float *out);
} roma_ref_weights;
/* Which values of a model: what its file says; the same, but matrices of a 4-bit checkpoint in the form that an image
 * gives them; all as an image has them, quant's roundings too. */
typedef enum { ROMA_REF_SOURCE, ROMA_REF_FORM, ROMA_REF_IMAGE } roma_ref_values;
/* Those of an open image, or of a model whose tensors can be read (with ROMA_REF_IMAGE between roma_tensor.begin and
 * end, where a tensor has these); it must outlive them. */
roma_ref_weights roma_ref_image(const roma_image *image);
roma_ref_weights roma_ref_model(const roma_model *model, roma_ref_values values);

/* An evaluator of windows of up to ctx tokens, ctx >= 1, which gives the logits of up to rows positions at a time,
 * rows >= 1. It takes about ctx * (4 hidden + 2 ffn + ...) + rows * vocab floats. What w points to and team must
 * outlive it. ENOMEM leaves *f for roma_ref_destroy, or NULL. */
int roma_ref_create(roma_ref **f, const roma_ref_weights *w, roma_team *team, uint32_t ctx, uint32_t rows,
                    roma_error *err);
void roma_ref_destroy(roma_ref *f);

/* Called on the caller's thread when the embedding is done (layer 0) and after each layer (1 to layers). x holds the
 * residual stream behind that layer, n rows of hidden values, and is valid during the call. Nonzero ends the pass. */
typedef int (*roma_ref_hook)(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n);
/* One window: tokens ids[0..n), each below the vocabulary's size, at positions 0..n-1, n from 1 to ctx. hook may be
 * NULL; ECANCEL when it ended the pass, whose logits are then unspecified. */
int roma_ref_forward(roma_ref *f, const int32_t *ids, uint32_t n, roma_ref_hook hook, void *ctx, roma_error *err);
/* Logits of positions first to first + n - 1 of the last window, vocab values each, n at most the rows of create. The
 * evaluator owns them, until its next call. */
const float *roma_ref_logits(roma_ref *f, uint32_t first, uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
