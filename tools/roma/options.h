/* One option parser for all verbs: a verb is a table of options, and the table is its help, its checks and its errors.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include "roma/base.h"

typedef enum {
    OPT_FLAG,
    OPT_COUNT,
    OPT_U64,
    OPT_SEED,
    OPT_REAL,
    OPT_TEXT,
    OPT_TEXTS,
    OPT_OUT,
    OPT_OUT_FILE
} option_kind;

/* OUT and OUT_FILE are texts that name an output, which is announced (roma_files_writes): "-" is standard output to
 * OUT, and refused by OUT_FILE. */
typedef struct {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0: none */
    option_kind kind;
    void *out;        /* bool, uint32_t, uint64_t, seed_option, float, const char *, text_list: as the kind says */
    const char *arg;  /* its name in the help */
    double min, max;  /* of COUNT and REAL */
    const char *help; /* NULL: not listed */
} option;

/* The seed of draws: -1 is none, as if the option were not there. */
typedef struct {
    uint64_t value;
    bool given;
} seed_option;
enum { TEXTS_MAX = 64, OPERANDS_MAX = 17 };
typedef struct {
    const char *item[TEXTS_MAX];
    size_t n;
} text_list;

typedef struct {
    const char *verb, *operands, *summary, *example;
    const option *options;
    const option *shared; /* a second table, or NULL */
    size_t min_operands, max_operands;
} usage;

enum { NUMBERS_MAX = 16 };
typedef struct {
    uint32_t v[NUMBERS_MAX];
    size_t n;
} number_list;

enum { OPTIONS_GO = -1 };
/* OPTIONS_GO with the operands, or the exit code: help was printed, or a complaint. argv[0] is the verb. */
int options_parse(const usage *u, int argc, char **argv, const char *operand[OPERANDS_MAX], size_t *n_operands);
/* Sets the option of that name, as the command line does: OPTIONS_GO, or 2 after a complaint. */
int options_set(const usage *u, const char *name, const char *value);
/* Announces an output that no option names: OPTIONS_GO, or the exit code after a complaint. */
int options_output(const char *verb, const char *path);
/* The value of an option that takes numbers: "1,2,4". OPTIONS_GO, or 2 after a complaint that has the option's name. */
int options_list(const char *verb, const char *text, const char *name, uint32_t min, uint32_t max, number_list *out);
/* What an option is of no use without: the names of options, with '|' between, of which one must be there too. */
typedef struct {
    const char *name, *with;
} option_need;
/* Of the command line that options_parse read last: the first option of the table, which a row without a name ends,
 * that stands there without what it needs is refused. OPTIONS_GO, or 2 after a complaint. */
int options_need(const char *verb, const option_need *table);
/* Of the same: the first of the names, which NULL ends, that the command line has is refused: "--NAME why". */
int options_refuse(const char *verb, const char *const *names, const char *why);
/* Prints "roma VERB: text", of which each control character becomes '?', and where the help is; returns exit code 2. */
int usage_error(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
