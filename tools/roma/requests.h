/* The requests of a --jsonl file, all of which are read and checked before one runs: a JSON object a line. Knows
 * nothing of images and engines, so that it can be tried alone (fuzz/fuzz_jsonl.c). */
#ifndef TOOLS_REQUESTS_H
#define TOOLS_REQUESTS_H

#include "ask.h"

typedef struct {
    ask ask;
    piece prompt, system, id; /* a number as id is its characters */
    pieces lora;              /* FILE[:SCALE], without a 0 in them */
    uint64_t line;            /* of the file, from 1 */
    bool raw, id_is_number, own_lora;
} request;

typedef struct {
    request *request;
    size_t n;
    /* own */
    const piece *usual_stops;
    char *texts; /* all of them: no longer than the file */
    size_t used, cap;
} requests;

/* What a line does not say is as in usual (its ask.stops is shared: it must outlive out). Blank lines are skipped; any
 * bad line refuses the file, which the error names with line and column. out is to be freed after a failure too. */
int requests_read(requests *out, const char *path, const void *data, size_t size, const request *usual,
                  roma_error *err);
void requests_free(requests *r);

#endif
