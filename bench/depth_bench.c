/* What a step costs at a depth of the cache: CPU time of one thread, best of many, so that it can be measured beside
 * other work too. And attention alone: a layer at a time on a team, in turn with a read of as many bytes, best of each.
 *
 *   build/bench/depth IMAGE [isa] [rows] [threads of attention alone] [format of the cache]
 *
 * The cache is not computed but filled with random codes, which cost the same: a context of 32k would take minutes. */
#include "exec/internal.h"
#include "roma/map.h"
#include "roma/roof.h"

#include <stdlib.h>
#include <time.h>

enum { REPEATS = 20 };

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Codes of floating point are made smaller than 2, so that they are numbers. */
static void fill_page(const roma_kv_format *f, const roma_kv_page *p, unsigned dim, uint64_t key) {
    const size_t bytes = roma_kv_code_bytes(f->k, dim) + roma_kv_code_bytes(f->v, dim);
    for (size_t i = 0; i < bytes; i++)
        p->k[i] = (int8_t)(roma_random(key, i) & (f->is_float ? 0xbb : 0xff)); /* values follow the keys */
    for (unsigned i = 0; i < ROMA_PAGE; i++) p->k_scale[i] = p->v_scale[i] = 0.01f;
}

static bool fill_cache(roma_exec *e, uint32_t depth) {
    const roma_hyper *h = e->hyper;
    if (depth && !roma_exec_reserve(e, 0, depth)) return false;
    e->sequences[0].length = depth;
    for (uint32_t b = 0; b < depth / ROMA_PAGE; b++)
        for (uint32_t l = 0; l < h->layers; l++)
            for (uint32_t k = 0; k < h->kv_heads; k++) {
                const roma_kv_page p = roma_exec_page(e, 0, b, l, k);
                fill_page(e->kv, &p, h->head_dim, ((uint64_t)b * h->layers + l) * h->kv_heads + k);
            }
    return true;
}

/* ---- attention alone ---- */

typedef struct {
    roma_exec *e;
    const roma_op *op;
} layer;

static void attend_run(void *ctx, int thread, int threads) {
    const layer *l = ctx;
    roma_exec_attend(l->e, l->op, thread, threads);
}

static double best_run(roma_team *team, roma_team_fn fn, void *ctx, double best) {
    const double began = roma_now();
    roma_team_run(team, fn, ctx);
    const double took = roma_now() - began;
    return took < best ? took : best;
}

/* Attention of a row that sees the whole cache: the step before left its queries. */
static void attend_alone(roma_exec *e, uint32_t depth) {
    const roma_hyper *h = e->hyper;
    const size_t bytes = (size_t)depth / ROMA_PAGE * h->kv_heads * roma_kv_bytes(e->kv, h->head_dim);
    double attend = 1e9, read = 1e9;
    for (int i = 0; i < REPEATS; i++)
        for (const roma_op *op = e->plan->ops; op < e->plan->ops + e->plan->n_ops; op++) {
            if (op->kind != ROMA_OP_ATTEND) continue;
            layer l = {e, op};
            roma_roof_block b = {.base = e->cache.base + op->layer * (bytes / 4096 * 4096),
                                 .bytes = bytes / 4096 * 4096};
            attend = best_run(e->team, attend_run, &l, attend);
            read = best_run(e->team, roma_roof_read_run, &b, read);
        }
    printf("    attention alone, %d threads: %.2f ms, %.1f GB/s; read %.1f GB/s: %.0f %%\n", e->threads,
           attend * 1e3 * h->layers, (double)bytes / attend / 1e9, (double)bytes / read / 1e9, 100 * read / attend);
}

static int measure_alone(const roma_image *img, const roma_plan *plan, const char *isa, const char *kv, uint32_t depth,
                         int threads, roma_error *err) {
    const roma_exec_row row = {.position = depth, .want_logits = 1};
    const roma_exec_config cfg = {.threads = threads, .isa = isa, .kv = kv, .context = depth + 1, .rows = 1};
    roma_exec *e;
    int rc = roma_exec_create(&e, img, plan, &cfg, err);
    if (rc) return rc;
    if (!fill_cache(e, depth)) rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the cache has no pages");
    if (!rc) rc = roma_exec_step(e, &row, 1, err);
    if (!rc) attend_alone(e, depth);
    roma_exec_destroy(e);
    return rc;
}

/* ---- steps ---- */

static int measure(const roma_image *img, const roma_plan *plan, const char *isa, const char *kv, uint32_t depth,
                   uint32_t rows, double *best, roma_error *err) {
    roma_exec_row row[ROMA_EXEC_ROWS_MAX];
    roma_exec *e;
    const roma_exec_config cfg = {.threads = 1, .isa = isa, .kv = kv, .context = depth + rows, .rows = rows};
    int rc = roma_exec_create(&e, img, plan, &cfg, err);
    if (rc) return rc;
    if (!fill_cache(e, depth)) rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the cache has no pages");
    *best = 1e9;
    for (uint32_t i = 0; i < rows; i++)
        row[i] = (roma_exec_row){.token = (int32_t)i, .position = depth + i, .want_logits = i + 1 == rows};
    for (int i = 0; i < REPEATS && !rc; i++) {
        roma_exec_truncate(e, 0, depth);
        const double began = cpu_seconds();
        rc = roma_exec_step(e, row, rows, err);
        const double took = cpu_seconds() - began;
        *best = took < *best ? took : *best;
    }
    roma_exec_destroy(e);
    return rc;
}

int main(int argc, char **argv) {
    static const uint32_t depths[] = {0, 1024, 2048, 4096, 8192, 16384, 32768};
    roma_image img;
    roma_plan plan;
    roma_error err;
    char text[1024];
    const char *isa = argc > 2 ? argv[2] : "auto";
    const uint32_t rows = argc > 3 ? (uint32_t)atoi(argv[3]) : 1;
    const int threads = argc > 4 ? atoi(argv[4]) : 0;
    const char *kv = argc > 5 ? argv[5] : "int8";
    double first = 0, best = 0;
    if (argc < 2 || rows < 1 || rows > ROMA_EXEC_ROWS_MAX)
        return fprintf(stderr, "usage: depth IMAGE [isa] [rows] [threads of attention alone] [format]\n"), 2;
    int rc = roma_image_open(&img, argv[1], ROMA_IMAGE_NO_VERIFY, NULL, &err);
    if (!rc) rc = roma_map_plan(&plan, &img.desc, &err);
    for (size_t i = 0; i < sizeof depths / sizeof *depths && !rc && depths[i] + rows <= img.desc.hyper.context; i++) {
        rc = measure(&img, &plan, isa, kv, depths[i], rows, &best, &err);
        if (!i) first = best;
        if (!rc)
            printf("%s, %u rows at depth %5u: %8.2f ms of CPU, %3.0f %% of the empty cache's rate, %.2f us a cached "
                   "position and row\n",
                   isa, rows, depths[i], best * 1e3, 100 * first / best,
                   depths[i] ? (best - first) * 1e6 / depths[i] / rows : 0.0);
        if (!rc && threads && depths[i]) rc = measure_alone(&img, &plan, isa, kv, depths[i], threads, &err);
    }
    if (rc) fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
    return rc ? 1 : 0;
}
