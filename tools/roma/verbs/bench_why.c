/* roma bench --why: every kernel table that runs here, timed in turn on the weights of the image, beside the one that
 * the engine chose. */
#include "bench_run.h"

enum { ROUNDS = 5 };
static const double TURN = 0.02; /* seconds of a table in a round, or one pass of a slow one */

static size_t list_tables(const roma_kern *k[BENCH_TABLES]) {
    size_t n = 0;
    for (int isa = ROMA_ISA_COUNT - 1; isa >= 0; isa--) {
        const roma_kern *first = roma_kern_get((roma_isa)isa);
        for (unsigned i = 0; first && roma_kern_variant(first, i); i++) k[n++] = roma_kern_variant(first, i);
    }
    return n;
}

void bench_time_tables(bench *b) {
    roma_exec *e = roma_answer_engine(b->s.a);
    size_t at = 0;
    b->n_tables = list_tables(b->table);
    for (int round = 0; round < ROUNDS; round++) {
        bench_read(b); /* beside them: the bandwidth swings on a shared machine */
        for (size_t i = 0; i < b->n_tables && !interrupted; i++) {
            const size_t t = round % 2 ? b->n_tables - 1 - i : i;
            const double rate = roma_exec_try(e, b->table[t], &at, TURN);
            if (rate > b->table_gb_s[t]) b->table_gb_s[t] = rate;
        }
    }
}
