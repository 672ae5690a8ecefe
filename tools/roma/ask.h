/* What a command line asks of an answer besides its prompt. */
#ifndef TOOLS_ASK_H
#define TOOLS_ASK_H

#include "options.h"
#include "roma/answer.h"

/* An ask that options fill. */
typedef struct {
    roma_answer_ask ask;
    text_list stop;
    roma_answer_text stops[TEXTS_MAX];
} ask_options;

/* clang-format off */
#define SAMPLING_OPTIONS(o)                                                                                       \
    {"n", 'n', OPT_COUNT, &(o).ask.limit, "N", 1, 16777216, "new tokens at most (default: 512)"},                      \
    {"temp", 0, OPT_REAL, &(o).ask.sampling.temperature, "T", 0, 100, "temperature; 0 takes the likeliest token"},     \
    {"top-k", 0, OPT_COUNT, &(o).ask.sampling.top_k, "K", 0, 16777216, "draw among the K likeliest; 0 is off"},        \
    {"top-p", 0, OPT_REAL, &(o).ask.sampling.top_p, "P", 1e-6, 1, "draw among the likeliest that make up P; 1 is off"}, \
    {"min-p", 0, OPT_REAL, &(o).ask.sampling.min_p, "P", 0, 0.999999, "drop tokens below P times the likeliest"},      \
    {"repeat-penalty", 0, OPT_REAL, &(o).ask.sampling.repeat_penalty, "R", 0.1, 10, "penalty on the last 64 tokens; 1 is off"}, \
    {"seed", 0, OPT_U64, &(o).ask.sampling.seed, "S", 0, 0, "seed of the draws"},                                      \
    {"stop", 0, OPT_TEXTS, &(o).stop, "TEXT", 0, 0, "end the answer before this text; may be repeated"}
/* clang-format on */

int ask_options_check(ask_options *o, roma_error *err); /* after the options are read */

#endif
