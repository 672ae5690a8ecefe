/* Shared by the files of the chip room. */
#ifndef CHIP_INTERNAL_H
#define CHIP_INTERNAL_H

#include "roma/chip.h"

/* Text of a file that is being read: not ours, not ended by a zero. */
typedef struct {
    const char *s;
    size_t n;
} roma_chip_span;

/* Where an error is reported. */
typedef struct {
    const char *file;
    uint64_t line;
    int code;
    roma_error *err;
} roma_chip_place;

enum {
    ROMA_CHIP_LIKE_DEPTH = 4,
    ROMA_CHIP_LINE_BYTES = 1000,
    ROMA_CHIP_NUMBER = 32,
    ROMA_CHIP_KEY = 64,
    ROMA_CHIP_HINT = 320
};

/* A chip that is being read, and the one whose `like` asked for it. */
typedef struct roma_chip_origin {
    const char *name, *file;
    bool builtin;
    const struct roma_chip_origin *asked_by;
} roma_chip_origin;

/* The embedded chips; generated from chips/. The last has no name. */
typedef struct {
    const char *name, *text;
} roma_chip_text;
extern const roma_chip_text roma_chip_texts[];

/* table.c */
double *roma_chip_field(roma_chip *c, unsigned i);
bool roma_chip_is_choice(unsigned i);
bool roma_chip_is_whole(unsigned i);
bool roma_chip_is_power(unsigned i);                                                            /* of two */
static inline bool roma_chip_power(double v) { return ((uint64_t)v & ((uint64_t)v - 1)) == 0; } /* v: whole, >= 1 */
/* Name k of a choice as a span; .s NULL past the last. */
roma_chip_span roma_chip_choice(unsigned i, unsigned k);
const char *roma_chip_quality_name(unsigned q); /* NULL past the last */
/* "section.key" */
const char *roma_chip_name_of(unsigned i, char out[ROMA_CHIP_KEY]);
/* The fewest digits that read back as v. */
const char *roma_chip_number(double v, char out[ROMA_CHIP_NUMBER]);
/* The value as a file has it: number or name of the choice. */
const char *roma_chip_shown(const roma_chip *c, unsigned i, char out[ROMA_CHIP_NUMBER]);

/* value.c */
int roma_chip_bad(const roma_chip_place *at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
roma_chip_span roma_chip_trim(roma_chip_span t);
bool roma_chip_is(roma_chip_span t, const char *text);
/* `value [low .. high]` or `value [exact]` into the chip; without a range it is an error, or exact when it may be
 * absent. */
int roma_chip_read_entry(roma_chip *c, unsigned i, roma_chip_span t, bool range_may_be_absent,
                         const roma_chip_place *at);

/* hint.c: sentences that end an error, each beginning with "; " or empty; returns out. */
const char *roma_chip_hint_key(roma_chip_span section, roma_chip_span key, char out[ROMA_CHIP_HINT]);
const char *roma_chip_hint_section(roma_chip_span section, char out[ROMA_CHIP_HINT]);
const char *roma_chip_hint_choice(unsigned i, char out[ROMA_CHIP_HINT]);
const char *roma_chip_hint_quality(roma_chip_span given, char out[ROMA_CHIP_HINT]);
const char *roma_chip_hint_builtin(roma_chip_span given, char out[ROMA_CHIP_HINT]);

/* read.c */
int roma_chip_read_from(roma_chip *c, const char *text, size_t len, const roma_chip_origin *from, roma_error *err);
/* open.c: reads the chip that line `line` of the chip `from` is like. */
int roma_chip_read_like(roma_chip *c, roma_chip_span name, const roma_chip_origin *from, const roma_chip_place *at);
/* check.c: lines[i] is where parameter i was given, 0 for elsewhere; lines may be NULL. */
int roma_chip_check_lines(const roma_chip *c, const uint64_t *lines, const char *file, roma_error *err);

#endif
