/* Insides of the reader of request lines: lines.c reads objects, lines_values.c the values of their keys. */
#ifndef ROMA_ANSWER_LINES_H
#define ROMA_ANSWER_LINES_H

#include "roma/answer.h"

struct roma_answer_reading {
    roma_answer_lines *all;
    roma_answer_line *q;
    roma_json_reader json;
    bool has_body; /* OpenAI's form */
    bool has_own;  /* a key that the other form does not have */
    bool has_limit;
    const roma_answer_keys *more; /* of a body that is read alone; NULL: none */
    char *param;                  /* its key that is being read; NULL: nobody asks */
    roma_error *err;
};
typedef struct roma_answer_reading reading;

/* What a key takes; id, the function that reads its value, whose token is read already. */
/* clang-format off */
#define ANSWER_KEYS(X)                                                                                             \
    X(PROMPT, prompt) X(SYSTEM, system) X(RAW, raw) X(LIMIT, limit) X(TEMP, temp) X(TOP_K, top_k) X(TOP_P, top_p)  \
    X(MIN_P, min_p) X(REPEAT, repeat) X(PRESENCE, presence) X(FREQUENCY, frequency) X(BIAS, bias) X(SEED, seed)    \
    X(STOP, stop) X(LORA, lora) X(ID, id) X(MESSAGES, messages) X(TOOLS, tools) X(DOCUMENTS, documents)            \
    X(ARGS, args) X(LOGPROBS, logprobs) X(TOP, top) X(MODEL, model) X(ONE, one) X(OFF, off) X(FORMAT, format)      \
    X(GRAMMAR, grammar) X(CHOICE, choice) X(PARALLEL, parallel) X(ANY, any) X(METHOD, method) X(URL, url) X(BODY, body)
/* clang-format on */
typedef enum {
#define X(id, name) ANSWER_KEY_##id,
    ANSWER_KEYS(X)
#undef X
} answer_key;

/* Reads the value of a key of that name. */
int roma_answer_value(reading *r, answer_key k, const char *name);
/* A copy of the token's text, with a 0 behind it. */
roma_answer_text roma_answer_keep(const reading *r);
/* The members of OpenAI's body (lines.c). */
int roma_answer_body(reading *r);

#endif
