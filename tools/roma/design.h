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
    {"bits", 0, OPT_COUNT, &(o).config.format.bits, "B", 2, 8, "bits of the shape's weights (default: the shape's own)"},                \
    {"group", 0, OPT_COUNT, &(o).config.format.group, "G", 16, 256, "weights per scale of the shape (default: the shape's own)"},        \
    {"head-bits", 0, OPT_COUNT, &(o).config.format.head_bits, "B", 2, 8, "bits of its head, or tied embedding (default: as --bits)"}
#define CHIP_OPTIONS(o)                                                                                                    \
    {"chip", 0, OPT_TEXT, &(o).config.chip, "NAME|FILE", 0, 0, "chip: a file, or a built-in name (default: roma)"},               \
    {"set", 0, OPT_TEXTS, &(o).set, "KEY=V", 0, 0, "override a parameter, as lunit.lanes=32; may be repeated"}
/* clang-format on */

/* Rows of an option table for a roma_workload and the text of its targets, which workload_settle reads. */
/* clang-format off */
#define WORKLOAD_OPTIONS(w, targets)                                                                                    \
    {"prompt", 'p', OPT_COUNT, &(w).prompt, "N", 0, ROMA_COST_PROMPT_MAX, "tokens of prefill (default: 256)"},              \
    {"context", 'c', OPT_COUNT, &(w).context, "N", 0, ROMA_COST_CONTEXT_MAX, "tokens cached before the decode step (default: 0)"}, \
    {"batch", 'b', OPT_COUNT, &(w).batch, "B", 1, ROMA_COST_BATCH_MAX, "sequences decoded together (default: 1)"},           \
    {"rank", 'r', OPT_COUNT, &(w).rank, "R", 0, ROMA_COST_RANK_MAX, "rank of the adapters (default: 16; 0: none)"}, \
    {"adapters", 0, OPT_COUNT, &(w).adapters, "N", 1, ROMA_COST_ADAPTERS_MAX, "distinct adapters (default: 1)"},                  \
    {"stacked", 0, OPT_COUNT, &(w).stacked, "N", 1, ROMA_COST_SET_MAX, "adapters in the set of each sequence (default: 1)"},   \
    {"targets", 0, OPT_TEXT, &(targets), "LIST", 0, 0, "linears with adapters: all (default), or such as q,v"}
#define DIES_OPTION(o) \
    {"chips", 'k', OPT_COUNT, &(o).config.dies, "K", 1, ROMA_DESIGN_DIES_MAX, "dies of a layer pipeline (default: 1)"}
/* clang-format on */

/* Reads targets (NULL: all) and holds no fewer adapters than a set has. OPTIONS_GO, or the exit code of a usage error.
 */
int workload_settle(const char *verb, const char *targets, roma_workload *w);

/* What the options say; image NULL: of --shape. One of the two, or it is a usage error. *c borrows from o. */
int design_asked(roma_design_config *c, const design_options *o, const char *image, roma_error *err);
/* The same, opened. */
int design_open(roma_design *d, const design_options *o, const char *image, roma_error *err);

#endif
