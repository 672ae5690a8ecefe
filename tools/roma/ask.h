/* What a command line asks of an answer besides its prompt. */
#ifndef TOOLS_ASK_H
#define TOOLS_ASK_H

#include "options.h"
#include "roma/answer.h"

/* An ask that options fill. */
typedef struct {
    roma_answer_ask ask;
    seed_option seed;
    text_list stop;
    roma_answer_text stops[TEXTS_MAX];
    const char *schema, *grammar; /* files of the answers' form; NULL: they are free */
    roma_constrain *form;         /* of one of them */
} ask_options;

/* clang-format off */
#define SAMPLING_OPTIONS(o) SETTING_OPTIONS(o), STOP_OPTION(o)
#define STOP_OPTION(o) {"stop", 0, OPT_TEXTS, &(o).stop, "TEXT", 0, 0, "end the answer before this text; may be repeated"}
#define FORM_OPTIONS(o)                                                                                            \
    {"json-schema", 0, OPT_TEXT, &(o).schema, "FILE", 0, 0, "answers are JSON that this schema validates"},            \
    {"grammar", 0, OPT_TEXT, &(o).grammar, "FILE", 0, 0, "answers keep to this grammar (GBNF)"}
/* Those that may change in a conversation. */
#define SETTING_OPTIONS(o)                                                                                       \
    {"n", 'n', OPT_COUNT, &(o).ask.limit, "N", 1, 16777216, "new tokens at most (default: 512)"}, DRAW_OPTIONS(o)
#define DRAW_OPTIONS(o)                                                                                          \
    {"temp", 0, OPT_REAL, &(o).ask.sampling.temperature, "T", 0, 100, "temperature; 0 takes the likeliest token"},     \
    {"top-k", 0, OPT_COUNT, &(o).ask.sampling.top_k, "K", 0, 16777216, "draw among the K likeliest; 0 is off"},        \
    {"top-p", 0, OPT_REAL, &(o).ask.sampling.top_p, "P", 0, 1, "draw among the likeliest that make up P; 1 is off"}, \
    {"min-p", 0, OPT_REAL, &(o).ask.sampling.min_p, "P", 0, 1, "drop tokens below P times the likeliest"},      \
    {"repeat-penalty", 0, OPT_REAL, &(o).ask.sampling.repeat_penalty, "R", 0.1, 10, "penalty on the last 64 tokens; 1 is off"}, \
    {"presence-penalty", 0, OPT_REAL, &(o).ask.sampling.presence_penalty, "A", -2, 2, "taken off the logits of the answer's tokens; 0 is off"}, \
    {"frequency-penalty", 0, OPT_REAL, &(o).ask.sampling.frequency_penalty, "F", -2, 2, "the same, for each time that they occur"}, \
    {"seed", 0, OPT_SEED, &(o).seed, "S", 0, 0, "seed of the draws; -1 draws one, which is told (default: -1)"}
/* clang-format on */
/* Rows of an option_need table: without a temperature the likeliest token is taken, and nothing is drawn among. */
#define DRAW_NEEDS(with)                                                                                               \
    {"top-k", with}, {"top-p", with}, { "min-p", with }

int ask_options_check(ask_options *o, roma_error *err); /* after the options are read */
/* Compiles the form that the options name; ask_form_free frees the form, once no request has it. */
int ask_form_read(ask_options *o, roma_error *err);
void ask_form_free(ask_options *o);
/* Whether tokens are drawn at all, so that a seed matters. */
bool ask_draws(const roma_sampling *s);
/* A seed out of the system's random numbers, below 2^32, or from the clock. */
uint64_t seed_drawn(void);

#endif
