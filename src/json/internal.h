/* Inside json: the reader's parts. */
#ifndef ROMA_JSON_INTERNAL_H
#define ROMA_JSON_INTERNAL_H

#include "roma/json.h"

/* What may come next. */
enum { EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY_OR_END, EXPECT_COMMA, EXPECT_NOTHING };

/* EINPUT, at this byte of the text. */
int roma_json_bad(const roma_json_reader *r, const char *at, roma_error *err, const char *what);

/* ---- token.c ---- */

int roma_json_take_text(roma_json_reader *r, roma_error *err); /* r->p stands on the opening quote */
int roma_json_take_number(roma_json_reader *r, roma_error *err);
/* The character of an escape, whose backslash is at p: UTF-8 to out, its length to *n. Bytes read, 0: a bad escape. */
size_t roma_json_unescape(const char *p, const char *end, char out[4], size_t *n);

/* ---- keys.c: the keys of the objects that are open ---- */

int roma_json_key_add(roma_json_reader *r, roma_error *err);  /* the token; refused when its object has it already */
void roma_json_keys_drop(roma_json_reader *r, uint32_t from); /* all from there on, as their object is closed */

#endif
