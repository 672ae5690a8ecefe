/* What roma bench measured, and how it is shown. */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include "roma/kern.h"
#include "stability.h"

enum { BENCH_TABLES = ROMA_ISA_COUNT * ROMA_KERN_VARIANTS };
enum { BENCH_ROWS = NUMBERS_MAX * (NUMBERS_MAX + NUMBERS_MAX * NUMBERS_MAX) };

/* What a run reads and multiplies. bytes: weights and scales once a step, the head where logits are wanted, of the
 * cache every position that a sequence sees. mac: the matrices alone. */
typedef struct {
    double bytes, mac;
} bench_work;

typedef struct {
    bool prefill;
    uint32_t tokens, batch, depth; /* depth: tokens in the cache before the first decoded one */
    int threads;
    double seconds; /* the best run */
    double share;   /* decode: the best step of a run against the best of five reads between its steps, median of the
                       runs; else 0 */
    bench_work work;
} bench_row;

typedef struct {
    session s;
    session_config config;
    uint32_t sets[TEXTS_MAX]; /* with --spread, of each adapter */
    number_list prompts, batches, threads, depths;
    uint32_t decode;
    bool spread;     /* adapter i of the command line on sequences i, i + n, ... */
    bench_row *rows; /* BENCH_ROWS */
    size_t n_rows;
    bool interrupted; /* further rows were asked for */
    const char *isa;
    char cpu[96];
    roma_team *roof_team;
    uint8_t *roof_memory;
    double read_gb_s, int8_gmac_s;
    int roof_threads;
    bench_work body, head; /* of one row */
    double position;       /* bytes of a cached position, all layers */
    /* --why: the kernel tables that run here, and what they measured */
    bool why;
    const roma_kern *table[BENCH_TABLES];
    double table_gb_s[BENCH_TABLES];
    size_t n_tables;
    stability stability; /* --stability; wanted_seconds 0: none */
} bench;

void bench_text(const bench *b, roma_buf *out);
void bench_json(const bench *b, roma_buf *out);
void bench_csv(const bench *b, roma_buf *out);
void bench_svg(const bench *b, roma_buf *out);
/* --why in their place: the text, and further keys of the object. */
void bench_why_text(const bench *b, roma_buf *out);
void bench_why_json(const bench *b, roma_json *j);

#endif
