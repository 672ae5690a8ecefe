/* Images of known shapes, and adapters, with random weights: speed and memory depend on the shape alone. */
#ifndef TOOLS_RANDOM_H
#define TOOLS_RANDOM_H

#include "roma/adapter.h"

/* The image of a known shape: uniform codes, scales such that every matrix keeps the variance of its input, and no
 * tokenizer. The same shape, format and seed give the same file. Memory: a tile at a time. */
int random_image(const char *shape, const roma_shape_format *f, uint64_t seed, const char *path,
                 const roma_progress *progress, roma_image_written *out, roma_error *err);

/* An adapter of one rank on all linears of an image, that adds about a quarter of what each gives. The same image,
 * type, rank and seed give the same file. */
int random_adapter(const roma_image *base, uint32_t type, uint32_t rank, uint64_t seed, const char *path,
                   const roma_progress *progress, roma_adapter_written *out, roma_error *err);

#endif
