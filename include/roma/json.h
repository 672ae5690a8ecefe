/* json - one strict reader and one writer of JSON (RFC 8259) for the whole tree.
 *
 * Neither goes through the locale. The reader pulls one token after the other out of a text in memory and makes no
 * tree; the writer appends to a roma_buf and sees to commas and escapes. Threads: functions are re-entrant; a reader
 * or writer belongs to one thread. */
#ifndef ROMA_JSON_H
#define ROMA_JSON_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ----------------------------------------------------------------------------------- */

/* What is accepted is RFC 8259, and of that, less in five things: brackets nest at most 64 deep, a text is no longer
 * than its caller's limit, a key occurs once in an object, a \u escape is no lone surrogate, and no byte order mark
 * stands before the text. NaN and Infinity, comments, trailing commas and text behind the value are no JSON and
 * refused.
 *
 * Memory: a text token without escapes is a piece of the input; one with escapes is copied, so that the reader holds at
 * most the longest token twice. Keys are held as hash and place, of the objects that are open only: at most 48 bytes
 * each. Nothing else grows, and nothing recurses. */
enum { ROMA_JSON_DEPTH_MAX = 64 };
#define ROMA_JSON_SIZE_MAX UINT32_C(0x10000000) /* 256 MiB */

typedef enum {
    ROMA_JSON_DONE, /* the value is whole, and only blanks followed */
    ROMA_JSON_OBJECT,
    ROMA_JSON_OBJECT_END,
    ROMA_JSON_ARRAY,
    ROMA_JSON_ARRAY_END,
    ROMA_JSON_KEY, /* its value is the next token */
    ROMA_JSON_TEXT,
    ROMA_JSON_NUMBER,
    ROMA_JSON_TRUE,
    ROMA_JSON_FALSE,
    ROMA_JSON_NULL
} roma_json_kind;

/* Where a text comes from, for errors, and what is allowed. All zero: nowhere, bytes are named, the limits above. */
typedef struct {
    const char *file;
    uint64_t at;   /* byte of the file where the text begins */
    uint64_t line; /* line of the file where it begins, from 1: errors name line and column (in characters); 0: bytes */
    uint32_t depth; /* limits below those above; 0: those */
    uint32_t size;
} roma_json_source;

/* A reader: the token that was read last, and below it the reader's own state. Begun by roma_json_read_begin, ended by
 * roma_json_read_end. */
typedef struct {
    /* The token. */
    roma_json_kind kind;
    const char *text; /* KEY, TEXT: UTF-8, unescaped, len bytes, of which any may be 0; NUMBER: as it is written */
    size_t len;       /* bytes of text, with no 0 behind, valid until the next token */
    size_t at;        /* byte of the text where the token begins */
    uint32_t depth;   /* brackets open behind it */
    /* The reader's own. */
    roma_json_source from;
    const char *begin, *p, *end;
    int expects;
    uint64_t objects;                        /* bit d: bracket d is '{' */
    uint32_t keys_from[ROMA_JSON_DEPTH_MAX]; /* of each bracket, its first in key[] */
    struct roma_json_key *key;
    size_t cap_keys;
    uint32_t *slot, n_keys, n_slots;
    uint64_t secret;
    roma_buf unescaped;
} roma_json_reader;

/* Begins to read a text of `size` bytes, which stays the caller's and must outlive the reader; from (may be NULL) says
 * where the text comes from. EINPUT for a text that is too long. roma_json_read_end must follow, after an error too.
 */
int roma_json_read_begin(roma_json_reader *r, const void *text, size_t size, const roma_json_source *from,
                         roma_error *err);
/* Reads the next token into *r. EINPUT: the text is no JSON, or beyond a limit; ENOMEM. After an error only
 * roma_json_read_end may follow. */
int roma_json_read_next(roma_json_reader *r, roma_error *err);
/* Reads over the value that begins with this token: the members of an OBJECT or ARRAY are checked and passed. The next
 * token is what follows the value. Errors as roma_json_read_next. */
int roma_json_read_skip(roma_json_reader *r, roma_error *err);
/* Fills *err with a caller's complaint about the token, and the token's place; returns code. */
int roma_json_read_fail(const roma_json_reader *r, int code, roma_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same about the member `key`, whose value began at `at`. */
int roma_json_read_fail_key(const roma_json_reader *r, size_t at, int code, roma_error *err, const char *key,
                            const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Frees what the reader holds. */
void roma_json_read_end(roma_json_reader *r);
/* Whether the token is a KEY or TEXT of this very text. */
bool roma_json_is(const roma_json_reader *r, const char *text);

/* Value of a NUMBER's characters. False, and *out as before: they are no whole number (digits, for the second function
 * a '-' before them; 1e3 and 1.0 are none), or it is beyond the type. */
bool roma_json_to_u64(const char *text, size_t len, uint64_t *out);
bool roma_json_to_i64(const char *text, size_t len, int64_t *out);
/* The double nearest to a NUMBER; false, and *out as before, beyond the largest. */
bool roma_json_to_real(const char *text, size_t len, double *out);

/* ---- writing ----------------------------------------------------------------------------------- */

/* A writer. A text of any bytes becomes valid JSON: each byte that is no UTF-8 becomes U+FFFD. Memory that ends sets
 * out->failed. Members of an object have a key, elements of an array none (NULL). The writer is the caller's, needs no
 * end, and borrows the buffer. */
typedef struct {
    roma_buf *out;
    bool comma; /* the next member needs a comma before it */
    bool line;  /* the next member, or bracket that closes, begins a line */
} roma_json;
void roma_json_open(roma_json *j, const char *key, char bracket); /* '{' or '[' */
void roma_json_close(roma_json *j, char bracket);                 /* '}' or ']' */
void roma_json_line(roma_json *j);                                /* a new line before what comes next */
void roma_json_text(roma_json *j, const char *key, const char *text, size_t len);
void roma_json_string(roma_json *j, const char *key, const char *text); /* up to its 0; NULL: null */
void roma_json_int(roma_json *j, const char *key, int64_t v);
void roma_json_uint(roma_json *j, const char *key, uint64_t v);
/* Writes a number of nine significant digits, or of so many (0: the fewest that read back as v); null when v is not
 * finite. */
void roma_json_real(roma_json *j, const char *key, double v);
void roma_json_digits(roma_json *j, const char *key, double v, int digits);
/* Writes a number as it is spelt; that the characters are one is the caller's promise. */
void roma_json_number(roma_json *j, const char *key, const char *text, size_t len);
void roma_json_bool(roma_json *j, const char *key, bool v);
void roma_json_null(roma_json *j, const char *key);
void roma_json_hex(roma_json *j, const char *key, const uint8_t *bytes, size_t n); /* a text, two digits a byte */

#ifdef __cplusplus
}
#endif
#endif
