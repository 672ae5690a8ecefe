/* Bounds of numbers by their digits, as doubles would round them. */
#ifndef ROMA_CONSTRAIN_SCHEMA_BOUND_H
#define ROMA_CONSTRAIN_SCHEMA_BOUND_H

#include "constrain/schema.h"

#include <string.h>

/* DIGITS: of a number that a double tells from all others; FRACTION_MAX: of those of a bound, behind the point. */
enum { DIGITS = 15, FRACTION_MAX = 9 };

/* A bound without its sign: digits before the point, without leading zeros but for a lone one, and behind it, without
 * trailing zeros. */
typedef struct {
    bool is_there, is_negative, is_exclusive;
    char whole[DIGITS + 2], part[DIGITS + 2];
} bound;

static inline bool bound_is_zero(const bound *b) { return strcmp(b->whole, "0") == 0 && !b->part[0]; }
/* Without signs: below, equal or above 0, as memcmp has it. */
int roma_constrain_bound_compare(const bound *a, const bound *b);
/* The tighter of an exclusive and an inclusive bound, which may be missing; sign 1: lower bounds, -1: upper ones.
 * False: refused. */
bool roma_constrain_bound_read(schema *s, const schema_words *w, schema_keyword open, schema_keyword closed, int sign,
                               bound *out);

#endif
