/* What is told of draws from a chip's ranges (docs/cost-model.md section 6). */
#ifndef TOOLS_DRAWS_SHOW_H
#define TOOLS_DRAWS_SHOW_H

#include "roma/cost.h"
#include "roma/report.h"
#include "roma/json.h"

/* Draws, and what they are held against. */
typedef struct {
    roma_cost_draws draws; /* n 0: there are none */
    const roma_workload *work;
    uint64_t seed;
} draws_shown;

/* Whether a drawn quantity is one of the workload: a prompt's, or one under a cap. */
bool draws_has(const roma_workload *w, unsigned quantity);
/* Members mc and mc_draws of an object that is open; *c is the chip's own cost. Sorts the draws of each quantity. */
void draws_json(draws_shown *d, const roma_cost *c, roma_json *j);
/* The units of what draws_counts_json writes into the member `key`, as members of the object that is open. */
void draws_units(const char *key, roma_json *j);
/* The same as a page. */
void draws_text(draws_shown *d, const roma_cost *c, roma_buf *out);
/* Members draws, seed, misfits, refused and refusal of an object that is open; and a page's sentences about them,
 * `whose` saying of which chip they are ("" of the one that there is). */
void draws_counts_json(const roma_cost_draws *d, uint64_t seed, roma_json *j);
void draws_counts_text(const roma_cost_draws *d, const char *whose, roma_buf *out);

#endif
