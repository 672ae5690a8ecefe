/* A JSON writer into a roma_buf: commas and escapes are its business. Bytes that are no UTF-8 become U+FFFD. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include "roma/base.h"

typedef struct {
    roma_buf *out;
    bool comma; /* the next member needs one before it */
} json;

void json_open(json *j, const char *key, char bracket); /* '{' or '['; key NULL inside an array */
void json_close(json *j, char bracket);
void json_text(json *j, const char *key, const char *text, size_t len);
void json_string(json *j, const char *key, const char *text); /* NULL: null */
void json_int(json *j, const char *key, int64_t v);
void json_real(json *j, const char *key, double v); /* not finite: null */
void json_bool(json *j, const char *key, bool v);
void json_null(json *j, const char *key);
void json_hex(json *j, const char *key, const uint8_t *bytes, size_t n);

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
