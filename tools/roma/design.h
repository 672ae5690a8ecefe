/* A model on a chip: what sim, chip, paper and explore start from. The model is an image or a shape, the chip a file or
 * a built-in name with overrides; the plan joins them. No weights are read. */
#ifndef TOOLS_DESIGN_H
#define TOOLS_DESIGN_H

#include "roma/cost.h"
#include "tool.h"

typedef struct {
    const char *shape, *chip;
    text_list set;
    uint32_t bits, group, head_bits; /* of a shape; 0: its own */
} design_config;

/* Rows of an option table. */
/* clang-format off */
#define SHAPE_OPTIONS(c)                                                                                                   \
    {"shape", 0, OPT_TEXT, &(c).shape, "NAME", 0, 0, "a known model's shape instead of an image: llama-3.2-3b, llama-3-8b ..."}, \
    {"bits", 0, OPT_COUNT, &(c).bits, "B", 2, 8, "bits of the shape's weights (default: the shape's own)"},                \
    {"group", 0, OPT_COUNT, &(c).group, "G", 16, 256, "weights per scale of the shape (default: the shape's own)"},        \
    {"head-bits", 0, OPT_COUNT, &(c).head_bits, "B", 2, 8, "bits of its head, or tied embedding (default: as --bits)"}
#define CHIP_OPTIONS(c)                                                                                                    \
    {"chip", 0, OPT_TEXT, &(c).chip, "NAME|FILE", 0, 0, "chip: a file, or a built-in name (default: roma)"},               \
    {"set", 0, OPT_TEXTS, &(c).set, "KEY=V", 0, 0, "override a parameter, as lunit.lanes=32; may be repeated"}
/* clang-format on */

/* Rows of an option table for a roma_workload. */
/* clang-format off */
#define WORKLOAD_OPTIONS(w)                                                                                    \
    {"prompt", 'p', OPT_COUNT, &(w).prompt, "N", 0, 1048576, "tokens of prefill (default: 256)"},              \
    {"context", 'c', OPT_COUNT, &(w).context, "N", 0, 16777216, "tokens cached before the decode step (default: 0)"}, \
    {"batch", 'b', OPT_COUNT, &(w).batch, "B", 1, 65536, "sequences decoded together (default: 1)"},           \
    {"rank", 'r', OPT_COUNT, &(w).rank, "R", 0, 4096, "rank of the adapters on all linears (default: 16; 0: none)"}, \
    {"adapters", 0, OPT_COUNT, &(w).adapters, "N", 1, 65536, "distinct adapters (default: 1)"},                \
    {"chips", 'k', OPT_COUNT, &(w).chips, "K", 1, 1024, "dies of a layer pipeline (default: 1)"}
/* clang-format on */

typedef struct {
    roma_description shape;
    roma_image image;
    const roma_description *desc; /* one of the two */
    roma_chip chip;
    roma_plan plan;
    bool has_shape, has_image, has_plan;
} design;

roma_workload default_workload(void); /* prompt 256, empty cache, batch 1, one adapter of rank 16, one die */
/* The chip with its overrides, checked. */
int design_chip(roma_chip *chip, const design_config *c, roma_error *err);
/* image may be NULL, then --shape must be given; both are a usage error. */
int design_open(design *d, const design_config *c, const char *image, roma_error *err);
void design_close(design *d);
/* Writes b to path whole or not at all and destroys it; "-" is standard output. */
int write_buf(roma_buf *b, const char *path, roma_error *err);

#endif
