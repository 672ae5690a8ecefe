/* Processes over MPI, or the one that there is; contract in ranks.h. */
#include "ranks.h"

#ifndef ROMA_MPI

ranks ranks_begin(void) { return (ranks){0, 1}; }

int ranks_gather(const ranks *r, double **values, size_t *n, roma_error *err) {
    (void)r, (void)values, (void)n, (void)err;
    return ROMA_OK;
}

void ranks_sum(const ranks *r, uint64_t *counts, size_t n) { (void)r, (void)counts, (void)n; }

int ranks_end(const ranks *r, int code, bool everyone) {
    (void)r, (void)everyone;
    return code;
}

#else

#include <limits.h>
#include <mpi.h>

ranks ranks_begin(void) {
    ranks r;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &r.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &r.size);
    if (r.rank && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
        MPI_Abort(MPI_COMM_WORLD, 3);
    return r;
}

/* Where each rank's values go, from their counts; the sum. */
static int64_t offsets(const int *counts, int *at, int size) {
    int64_t all = 0;
    for (int i = 0; i < size; i++) {
        at[i] = all > INT_MAX ? INT_MAX : (int)all;
        all += counts[i];
    }
    return all;
}

int ranks_gather(const ranks *r, double **values, size_t *n, roma_error *err) {
    const int mine = *n > INT_MAX ? INT_MAX : (int)*n;
    int *counts = roma_alloc_array((size_t)r->size, sizeof *counts),
        *at = roma_alloc_array((size_t)r->size, sizeof *at);
    int64_t all = 0;
    double *joined = NULL;
    if (counts && at) {
        MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, MPI_COMM_WORLD);
        all = offsets(counts, at, r->size);
        if (r->rank == 0 && all) joined = roma_alloc_array((size_t)all, sizeof *joined);
    }
    const bool bad = !counts || !at || all > INT_MAX || (r->rank == 0 && all && !joined);
    if (bad) MPI_Abort(MPI_COMM_WORLD, 3);
    MPI_Gatherv(*values, mine, MPI_DOUBLE, joined, counts, at, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    roma_free(*values);
    roma_free(counts);
    roma_free(at);
    *values = joined;
    *n = r->rank == 0 ? (size_t)all : 0;
    return bad ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the points of all ranks") : ROMA_OK;
}

void ranks_sum(const ranks *r, uint64_t *counts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0;
        MPI_Reduce(&counts[i], &sum, 1, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
        if (r->rank == 0) counts[i] = sum;
    }
}

int ranks_end(const ranks *r, int code, bool everyone) {
    (void)r;
    fflush(stdout);
    fflush(stderr);
    if (code && !everyone) MPI_Abort(MPI_COMM_WORLD, code);
    MPI_Finalize();
    return code;
}

#endif
