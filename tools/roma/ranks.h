/* The processes of an exploration or an evaluation. `make roma-mpi` builds mpi.c over MPI; else there is one, and all
 * of this does nothing. */
#ifndef TOOLS_RANKS_H
#define TOOLS_RANKS_H

#include "roma/base.h"

typedef struct {
    int rank, size;
} ranks;

/* Ranks over 0 lose their standard output and error: all take the same way, and one of them speaks. */
ranks ranks_begin(void);
/* Rank 0 gets everyone's values one after the other in order of rank, in memory of its own instead of *values; the
 * others get none. */
int ranks_gather(const ranks *r, double **values, size_t *n, roma_error *err);
void ranks_sum(const ranks *r, uint64_t *counts, size_t n); /* at rank 0 */
/* code is the exit code: a failure of one ends all. Returns it. */
int ranks_end(const ranks *r, int code, bool everyone);

#endif
