/* Proposals for the next tokens of a sequence, looked up in what it already says, and how many of them are worth a try.
 */
#ifndef ROMA_EXEC_DRAFT_H
#define ROMA_EXEC_DRAFT_H

#include "internal.h"

/* What steps of so many rows cost, measured as they run; only ratios count. */
typedef struct {
    double *time; /* seconds of a step of i rows; 0: not seen yet */
    uint32_t max; /* rows at most */
    double scale; /* of the guess for steps not seen */
    bool seen;    /* any step of several rows */
} draft_cost;

enum {
    DRAFT_CLASSES = 4
}; /* by length of the agreement: 2, 3 to 4, 5 to 9, more; of a doubtful one half the length counts */

typedef struct {
    uint32_t *head, *before; /* chains of the places where a pair of tokens ends: place + 1, 0 is none */
    uint32_t mask, indexed;
    float hit[DRAFT_CLASSES], tried[DRAFT_CLASSES];
    float bank;     /* tokens' worth of time that proposals may still lose */
    unsigned class; /* of the last proposal */
    bool doubtful;
} draft;

/* What a step holds so far: rows, and tokens expected from them. */
typedef struct {
    double tokens;
    uint32_t decode; /* rows without proposals */
    uint32_t rows;
} draft_load;

void roma_draft_lay(draft *d, walk *w, uint32_t context);
void roma_draft_begin(draft *d, bool doubtful); /* doubtful: tokens are drawn or repetition is punished */
/* Writes at most `max` proposals to follow ids[0..n) and counts them in *load; 0 when none are worth their rows. */
uint32_t roma_draft_propose(draft *d, const draft_cost *c, draft_load *load, const int32_t *ids, uint32_t n,
                            uint32_t max, int32_t *out);
/* After the step: `lost` is what the proposals' rows cost, in tokens. */
void roma_draft_learn(draft *d, uint32_t proposed, uint32_t accepted, double lost);
void roma_draft_idle(draft *d); /* a token without proposals */

void roma_draft_cost_lay(draft_cost *c, walk *w, uint32_t rows);
void roma_draft_cost_seen(draft_cost *c, uint32_t rows, double seconds);
double roma_draft_cost_of(const draft_cost *c, uint32_t rows); /* in steps of one row */

#endif
