/* json - one strict reader and one writer of JSON (RFC 8259) for the whole tree.
 *
 * Neither goes through the locale. The reader pulls one token after the other out of a text in memory and makes no
 * tree; the writer appends to a roma_buf and sees to commas and escapes.
 */
#ifndef ROMA_JSON_H
#define ROMA_JSON_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing ----------------------------------------------------------------------------------- */

/* A text of any bytes becomes valid JSON: what is no UTF-8 becomes U+FFFD, a byte for each. Memory that ends sets
 * out->failed. Members of an object have a key, elements of an array none (NULL). */
typedef struct {
    roma_buf *out;
    bool comma; /* the next member needs one before it */
    bool line;  /* the next member, or bracket that closes, begins a line */
} roma_json;
void roma_json_open(roma_json *j, const char *key, char bracket); /* '{' or '[' */
void roma_json_close(roma_json *j, char bracket);                 /* '}' or ']' */
void roma_json_line(roma_json *j);                                /* a new line before what comes next */
void roma_json_text(roma_json *j, const char *key, const char *text, size_t len);
void roma_json_string(roma_json *j, const char *key, const char *text); /* up to its 0; NULL: null */
void roma_json_int(roma_json *j, const char *key, int64_t v);
void roma_json_uint(roma_json *j, const char *key, uint64_t v);
/* Nine significant digits, or so many (0: the fewest that read back as v); not finite: null. */
void roma_json_real(roma_json *j, const char *key, double v);
void roma_json_digits(roma_json *j, const char *key, double v, int digits);
/* A number as it is written; that it is one is the caller's promise. */
void roma_json_number(roma_json *j, const char *key, const char *text, size_t len);
void roma_json_bool(roma_json *j, const char *key, bool v);
void roma_json_null(roma_json *j, const char *key);
void roma_json_hex(roma_json *j, const char *key, const uint8_t *bytes, size_t n); /* at most 32 bytes */

#ifdef __cplusplus
}
#endif
#endif
