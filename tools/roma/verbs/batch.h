/* Many prompts at once: roma run --jsonl. */
#ifndef TOOLS_BATCH_H
#define TOOLS_BATCH_H

#include "reply.h"

typedef struct {
    const session_config *session;
    const ask *ask; /* what a line does not say */
    const char *path, *system;
    bool raw, special, hash;
    uint32_t batch;
} batch_options;

/* s is open but not started. Prints a JSON line for each request, in input order; returns the exit code. */
int batch_run(const batch_options *o, session *s);

/* run.c: whether a prompt is continued as text, for want of a template or by wish; ids of a prompt either way. */
bool is_raw(const session *s, bool raw);
int prompt_ids(const session *s, piece text, piece system, bool raw, bool special, int32_t **ids, size_t *n,
               roma_error *err);

#endif
