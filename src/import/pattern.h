/* import, inside: regular expressions of PEFT's configurations, as automata (docs/import.md, "Adapters"). */
#ifndef ROMA_SRC_IMPORT_PATTERN_H
#define ROMA_SRC_IMPORT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_BYTES_MAX = 1024, PATTERN_STATES_MAX = 256, PATTERN_CODE_MAX = 1024 };

/* One step: a letter out of a set, a choice between the next step and the one `jump` away, and so on. */
typedef struct {
    uint8_t op, set;
    int16_t jump;
} pattern_op;
/* The program of one pattern; it points nowhere and may be copied. */
typedef struct {
    pattern_op code[PATTERN_CODE_MAX];
    uint8_t set[PATTERN_STATES_MAX][16]; /* bit by ASCII letter */
    unsigned n, n_sets, states;
} import_pattern;

/* Reads a pattern as Python's re does; ends: a name matches by its whole or by its end behind a dot, as PEFT's
 * rank_pattern says it, else by its whole. NULL, or static words that say what the pattern has and we do not:
 * look-around, back-references, flags; more than 256 states or 1 KiB; or what Python refuses too. */
const char *roma_import_pattern_read(import_pattern *p, const char *text, size_t len, bool ends);
/* Whether a name of ASCII letters matches; time: letters x states. */
bool roma_import_pattern_matches(const import_pattern *p, const char *name);

#endif
