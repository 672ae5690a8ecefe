/* Many prompts at once: roma run --jsonl. */
#ifndef TOOLS_BATCH_H
#define TOOLS_BATCH_H

#include "tool.h"

typedef struct {
    session_config *session;
    const roma_answer_ask *ask; /* what a line does not say */
    const char *path, *system;
    bool raw, special, hash, seeded; /* seeded: the command line has a seed */
    uint32_t batch;
} batch_options;

/* s is open but not started. Prints a JSON line for each request, in input order; returns the exit code. */
int batch_run(const batch_options *o, session *s);

#endif
