/* The second reader of a written ROM: texts in, words out. Written from docs/rom-emission.md; nothing of what writes
 * ROMs is used here. Every function returns 0, or EDAMAGED with file and line of what is not as the page has it. */
#ifndef ROMA_RTL_READ_H
#define ROMA_RTL_READ_H

#include "roma/rtl.h"

/* A text that is read token by token: words, numbers and literals, quoted texts, single signs; blanks stand between.
 * len 0: the end. */
typedef struct {
    const char *file, *p, *end;
    const char *token;
    size_t len;
    uint64_t line, token_line;
    roma_error *err;
} rtl_text;

/* A ROM that is read word by word. Before begin: the two texts, width, words and style of the manifest. */
typedef struct {
    rtl_text v, hex;
    roma_rtl_style style;
    uint32_t width, address_bits;
    uint32_t lane_bits; /* of fused alone */
    uint64_t words;
    uint64_t at;                            /* words read so far */
    uint64_t devices;                       /* of a B-ROM, counted */
    uint32_t lines;                         /* candidate lines that devices select, counted */
    uint32_t word[4][ROMA_RTL_WORD_PIECES]; /* the group of four of a B-ROM */
    unsigned truth[16];                     /* what a line is at each address of a group */
    bool declared[16], selected[16];        /* lines */
} rtl_rom;

/* Reads what stands before the words. */
int roma_rtl_read_begin(rtl_rom *r);
/* Reads the next word, r->words of them; out has ROMA_RTL_WORD_PIECES pieces. */
int roma_rtl_read_word(rtl_rom *r, uint32_t *out);
/* Reads what stands behind the words, to the end of the files; padding must be zero. */
int roma_rtl_read_end(rtl_rom *r);
/* Says that what was read last is wrong. */
int roma_rtl_read_fail(const rtl_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text that has the words. */
const rtl_text *roma_rtl_read_text(const rtl_rom *r);

#endif
