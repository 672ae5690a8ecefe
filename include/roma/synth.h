/* synth - images of shapes, and adapters, with random weights: speed and memory depend on the shape alone.
 *
 * Every value is drawn by its place (seed, tensor, tile, position), so a file is a function of its arguments alone: the
 * same ones give the same bytes on every machine.
 * Thread rule: calls are re-entrant; a call runs on its caller's thread.
 */
#ifndef ROMA_SYNTH_H
#define ROMA_SYNTH_H

#include "roma/adapter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the image of a shape (roma_shape_read): uniform codes, scales such that every matrix keeps the variance
 * of its input, norms about 1, no tokenizer. f as roma_shape_describe has it. Memory: a tile at a time. progress may be
 * NULL. Errors of roma_shape_describe and roma_image_write. *out says what was written. */
int roma_synth_image(const char *shape, const roma_shape_format *f, uint64_t seed, const char *path,
                     const roma_progress *progress, roma_image_written *out, roma_error *err);

/* Writes an adapter of one rank (1 to ROMA_ADAPTER_RANK_MAX) and type (a roma_adapter_type) on all linears of an image,
 * whose change of each product is about a quarter as large as the product. Memory: the list of targets. progress may be
 * NULL. Errors of roma_adapter_write. */
int roma_synth_adapter(const roma_image *base, uint32_t type, uint32_t rank, uint64_t seed, const char *path,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
