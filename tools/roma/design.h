/* The options of what sim, fit, plan, chip and explore start from: a model on a chip. */
#ifndef TOOLS_DESIGN_H
#define TOOLS_DESIGN_H

#include "roma/cost.h"
#include "roma/design.h"
#include "tool.h"

typedef struct {
    roma_design_config config;
    text_list set;
} design_options;

/* Rows of an option table. */
/* clang-format off */
#define SHAPE_OPTION(shape) \
    {"shape", 0, OPT_TEXT, &(shape), "SHAPE|IMAGE", 0, 0, "a known model's shape, as llama-3.2-3b; its numbers, as layers=28,hidden=3072,heads=24,kv=8,head=128,ffn=8192,vocab=128256[,tied=0|1][,arch=llama|qwen2|qwen3][,context=N]; a Hugging Face config.json; or an image"}
#define SHAPE_OPTIONS(o)                                                                                                   \
    SHAPE_OPTION((o).config.shape), \
    {"bits", 0, OPT_COUNT, &(o).config.format.bits, "B", 1, 8, "bits of the shape's weights (default: the shape's own)"},                \
    {"group", 0, OPT_COUNT, &(o).config.format.group, "G", 16, 256, "weights per scale of the shape (default: the shape's own)"},        \
    {"head-bits", 0, OPT_COUNT, &(o).config.format.head_bits, "B", 1, 8, "bits of its head, or tied embedding (default: as --bits)"}
#define CHIP_OPTIONS(o)                                                                                                    \
    {"chip", 0, OPT_TEXT, &(o).config.chip, "NAME|FILE", 0, 0, "chip: a file, or a built-in name (default: roma)"},               \
    {"set", 0, OPT_TEXTS, &(o).set, "KEY=V", 0, 0, "override a parameter, as lunit.lanes=32; may be repeated"}
#define KV_DESIGN_OPTION(kv) \
    {"kv", 0, OPT_TEXT, &(kv), "FORMAT", 0, 0, "keys and values in the cache: int8, f16, fp8, int4 (default: int8)"}
#define DIES_OPTION(o) \
    {"chips", 'k', OPT_COUNT, &(o).config.dies, "K", 1, ROMA_DESIGN_DIES_MAX, "dies that share the layers or, with schedule.dies=tensor, every matrix (default: 1)"}
/* clang-format on */

/* What the options say; image NULL: of --shape. One of the two, or it is a usage error. *c borrows from o. */
int design_asked(roma_design_config *c, const design_options *o, const char *image, roma_error *err);
/* The same, opened. */
int design_open(roma_design *d, const design_options *o, const char *image, roma_error *err);

#endif
