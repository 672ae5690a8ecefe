/* What reads a line of --jsonl. */
#ifndef TOOLS_JSON_READ_H
#define TOOLS_JSON_READ_H

#include "roma/base.h"

/* A flat reader, for --jsonl: one object whose values are texts, numbers, booleans, null or arrays of texts. */
typedef struct json_value {
    enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_TEXTS } kind;
    double number;  /* NUMBER; BOOL as 0 or 1 */
    uint64_t whole; /* NUMBER written as digits only, else UINT64_MAX */
    char *text;     /* TEXT: len bytes and a 0, owned by the reader's buffer */
    size_t len;
    const char *item[16]; /* TEXTS, each ends in 0 */
    size_t n_items;
} json_value;
/* Walks one line, calling each(ctx, key, value) per member; strings are unescaped in place, so that they live as long
 * as the line. 0, or EINPUT with a sentence; each's own failure ends the walk. */
int json_read_object(char *line, size_t len,
                     int (*each)(void *ctx, const char *key, const json_value *v, roma_error *err), void *ctx,
                     roma_error *err);

#endif
