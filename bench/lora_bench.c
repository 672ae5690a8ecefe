/* What adapters cost: decode and prefill with and without them, a swap between two tokens, batches of many adapters.
 *
 *   build/bench/lora [-t THREADS] [-s SECONDS] [-w SWAPS] [-o PREFIX] IMAGE [decode|prefill|batch|curve|swap ...]
 *
 * All configurations run in one engine and take turns step by step, so that they meet the same machine: a cost is the
 * median over the rounds of the ratio to the step without adapters in the same round; beside it stands the ratio of the
 * best steps. SECONDS is for each configuration (default 2). Without names: all but swap, whose two series of SWAPS
 * tokens (5000) want a small model. PREFIX: the curve goes to PREFIX.csv and PREFIX.svg. Adapters are random, int8, on
 * all linears; 64 copies of one stand for 64. */
#include "roma/exec.h"
#include "roma/map.h"
#include "roma/report.h"
#include "roma/synth.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = 64, DEPTH = 48, PROMPT = 128, ROUNDS_MAX = 1 << 16, CONFIGS_MAX = 8 };
enum { SET_R16 = 1, SET_R64, SET_TWO, SET_SWAP, SET_ONE_OF }; /* SET_ONE_OF + i: copy i alone */

typedef struct {
    roma_image img;
    roma_plan plan;
    roma_exec *e;
    const char *prefix;
    double seconds;
    uint32_t swaps, copy[MANY];
} bench;

typedef struct {
    const char *name;
    uint32_t rows, set, distinct; /* distinct: rows share out so many copies instead of set */
    double *time;
    size_t n;
} config;

static void stop(const roma_error *err) {
    fprintf(stderr, "lora: %s\n", err->text);
    exit(2);
}

/* ---- an engine with its adapters ---- */

static void make_adapter(bench *b, uint32_t rank, roma_adapter *out) {
    char path[64];
    roma_adapter_written w;
    roma_error err;
    snprintf(path, sizeof path, "/tmp/roma-bench-lora-%ld", (long)getpid());
    if (roma_synth_adapter(&b->img, ROMA_ADAPTER_INT8, rank, 1, path, NULL, &w, &err) ||
        roma_adapter_open(out, path, 0, &err))
        stop(&err);
    unlink(path);
}

static void load_adapters(bench *b, const roma_adapter *r16, const roma_adapter *r64) {
    roma_error err;
    uint32_t id;
    for (int i = 0; i < MANY; i++)
        if (roma_exec_adapter_load(b->e, r16, 0, "", &b->copy[i], &err)) stop(&err);
    if (roma_exec_adapter_load(b->e, r64, 0, "", &id, &err)) stop(&err);
    if (roma_exec_adapter_set(b->e, SET_R16, b->copy, NULL, 1, &err) ||
        roma_exec_adapter_set(b->e, SET_R64, &id, NULL, 1, &err) ||
        roma_exec_adapter_set(b->e, SET_TWO, b->copy, NULL, 2, &err))
        stop(&err);
    for (uint32_t i = 0; i < MANY; i++)
        if (roma_exec_adapter_set(b->e, SET_ONE_OF + i, &b->copy[i], NULL, 1, &err)) stop(&err);
}

static void start(bench *b, const char *image, int threads) {
    roma_error err;
    roma_adapter r16, r64;
    int32_t tokens[DEPTH];
    if (roma_image_open(&b->img, image, 0, NULL, &err) || roma_map_plan(&b->plan, &b->img.desc, &err)) stop(&err);
    make_adapter(b, 16, &r16);
    make_adapter(b, 64, &r64);
    const roma_exec_config c = {.threads = threads,
                                .context = PROMPT,
                                .sequences = MANY,
                                .rows = PROMPT,
                                .logit_rows = MANY,
                                .adapter_bytes = MANY * r16.data_bytes + r64.data_bytes,
                                .adapters = MANY + 1,
                                .adapter_rank = 64,
                                .adapter_stack = 2,
                                .adapter_sets = SET_ONE_OF + MANY};
    if (roma_exec_create(&b->e, &b->img, &b->plan, &c, &err)) stop(&err);
    load_adapters(b, &r16, &r64);
    printf("%s, %s, %d threads; adapters of rank 16: %.1f MiB, 64: %.1f MiB\n", b->img.desc.name, roma_exec_isa(b->e),
           roma_exec_threads(b->e), (double)r16.data_bytes / 1048576, (double)r64.data_bytes / 1048576);
    roma_adapter_close(&r16);
    roma_adapter_close(&r64);
    for (int i = 0; i < DEPTH; i++) tokens[i] = i % 50;
    for (uint32_t s = 0; s < MANY; s++)
        if (roma_exec_prefill(b->e, s, 0, tokens, DEPTH, NULL, NULL, &err)) stop(&err);
}

/* ---- turns ---- */

static double timed_step(bench *b, const roma_exec_row *rows, uint32_t n) {
    roma_error err;
    const double began = roma_now();
    if (roma_exec_step(b->e, rows, n, &err)) stop(&err);
    return roma_now() - began;
}

/* A token for each of c->rows sequences, which then forget it. */
static double decode(bench *b, const config *c) {
    roma_exec_row rows[MANY];
    for (uint32_t s = 0; s < c->rows; s++)
        rows[s] = (roma_exec_row){7, s, DEPTH, c->distinct ? SET_ONE_OF + s % c->distinct : c->set, true};
    const double t = timed_step(b, rows, c->rows);
    for (uint32_t s = 0; s < c->rows; s++) roma_exec_truncate(b->e, s, DEPTH);
    return t;
}

static double prefill(bench *b, const config *c) {
    roma_exec_row rows[PROMPT];
    roma_exec_truncate(b->e, 0, 0);
    for (uint32_t i = 0; i < c->rows; i++) rows[i] = (roma_exec_row){(int32_t)i % 50, 0, i, c->set, i + 1 == c->rows};
    return timed_step(b, rows, c->rows);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The q-quantile of n values, which get sorted. */
static double quantile(double *v, size_t n, double q) {
    qsort(v, n, sizeof *v, by_value);
    const double at = q * ((double)n - 1);
    return v[at < 0 ? 0 : at > (double)n - 1 ? n - 1 : (size_t)(at + 0.5)];
}

/* Median of the ratios to configuration 0 in the same round. */
static double cost(const config *c, size_t i) {
    double ratio[ROUNDS_MAX];
    for (size_t k = 0; k < c[i].n; k++) ratio[k] = c[i].time[k] / c[0].time[k];
    return quantile(ratio, c[i].n, 0.5);
}

static double best(const config *c) {
    double t = c->time[0];
    for (size_t k = 1; k < c->n; k++) t = c->time[k] < t ? c->time[k] : t;
    return t;
}

/* All configurations in turn, each round beginning with another one, until their time is up. */
static void take_turns(bench *b, double (*run)(bench *b, const config *c), config *c, size_t n) {
    const double end = roma_now() + b->seconds * (double)n;
    for (size_t i = 0; i < n; i++) {
        c[i].n = 0;
        c[i].time = malloc(ROUNDS_MAX * sizeof *c[i].time);
        if (!c[i].time) abort();
        run(b, &c[i]);
    }
    for (size_t k = 0; k < ROUNDS_MAX && (k < 3 || roma_now() < end); k++)
        for (size_t j = 0; j < n; j++) {
            config *at = &c[(j + k) % n];
            at->time[k] = run(b, at);
            at->n++;
        }
}

static void show(const char *title, const config *c, size_t n) {
    printf("%s, %zu rounds\n", title, c->n);
    for (size_t i = 0; i < n; i++)
        printf("  %-28s %10.3f ms at best  %8.1f tok/s   cost %+6.2f %%  (best to best %+6.2f %%)\n", c[i].name,
               best(&c[i]) * 1e3, c[i].rows / best(&c[i]), 100 * (cost(c, i) - 1),
               100 * (best(&c[i]) / best(&c[0]) - 1));
}

static void done(config *c, size_t n) {
    for (size_t i = 0; i < n; i++) free(c[i].time);
}

/* ---- what is measured ---- */

static void run_single(bench *b, bool is_prefill) {
    const uint32_t rows = is_prefill ? PROMPT : 1;
    config c[] = {{"no adapter", rows, 0, 0, NULL, 0},
                  {"rank 16", rows, SET_R16, 0, NULL, 0},
                  {"rank 64", rows, SET_R64, 0, NULL, 0},
                  {"two of rank 16", rows, SET_TWO, 0, NULL, 0}};
    take_turns(b, is_prefill ? prefill : decode, c, 4);
    show(is_prefill ? "prefill, 128 rows" : "decode", c, 4);
    done(c, 4);
    if (is_prefill) roma_exec_truncate(b->e, 0, DEPTH);
}

static void run_batch(bench *b) {
    config c[] = {{"16 sequences, no adapter", 16, 0, 0, NULL, 0},
                  {"all with the same", 16, SET_R16, 0, NULL, 0},
                  {"16 different adapters", 16, 0, 16, NULL, 0}};
    take_turns(b, decode, c, 3);
    show("batch", c, 3);
    printf("  rate with 16 different adapters: %.1f %% of that without\n", 100 / cost(c, 2));
    done(c, 3);
}

static void save(const roma_buf *out, const char *prefix, const char *end) {
    char path[1024];
    snprintf(path, sizeof path, "%s%s", prefix, end);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(out->data, 1, out->len, f) != out->len || fclose(f)) {
        fprintf(stderr, "lora: %s cannot be written\n", path);
        exit(2);
    }
}

static void run_curve(bench *b) {
    config c[] = {{"64 sequences, no adapter", 64, 0, 0, NULL, 0},
                  {"1 adapter", 64, 0, 1, NULL, 0},
                  {"2 adapters", 64, 0, 2, NULL, 0},
                  {"4 adapters", 64, 0, 4, NULL, 0},
                  {"8 adapters", 64, 0, 8, NULL, 0},
                  {"16 adapters", 64, 0, 16, NULL, 0},
                  {"64 adapters", 64, 0, 64, NULL, 0}};
    enum { N = sizeof c / sizeof *c };
    roma_table t = {.title = "Decode of 64 sequences by distinct adapters of rank 16"};
    roma_buf csv = {0}, svg = {0};
    take_turns(b, decode, c, N);
    show("distinct adapters in a batch", c, N);
    if (b->prefix) {
        roma_table_column(&t, "adapters", "", 3);
        roma_table_column(&t, "cost", "%", 4);
        roma_table_column(&t, "rate", "tok/s", 5);
        for (size_t i = 0; i < N; i++) {
            roma_table_row(&t);
            roma_table_real(&t, 0, c[i].distinct);
            roma_table_real(&t, 1, 100 * (cost(c, i) - 1));
            roma_table_real(&t, 2, 64 / best(&c[i]));
        }
        roma_report_table_csv(&t, &csv);
        roma_report_curves_svg(&t, 0, (size_t[]){1}, 1, (roma_axes){false, false}, &svg);
        save(&csv, b->prefix, ".csv");
        save(&svg, b->prefix, ".svg");
        roma_buf_destroy(&csv);
        roma_buf_destroy(&svg);
        roma_table_destroy(&t);
    }
    done(c, N);
}

/* Tokens with and without a swap before them take turns; the clock runs over both calls. */
static void run_swap(bench *b) {
    double *extra = malloc(b->swaps * sizeof *extra);
    roma_error err;
    const config c = {"", 1, SET_SWAP, 0, NULL, 0};
    if (!extra) abort();
    if (roma_exec_adapter_set(b->e, SET_SWAP, &b->copy[0], NULL, 1, &err)) stop(&err);
    for (int i = 0; i < 20; i++) decode(b, &c);
    double same = 0;
    for (uint32_t i = 0; i < b->swaps; i++) {
        const double plain = decode(b, &c), began = roma_now();
        if (roma_exec_adapter_set(b->e, SET_SWAP, &b->copy[(i + 1) % 2], NULL, 1, &err)) stop(&err);
        const double call = roma_now() - began;
        extra[i] = call + decode(b, &c) - plain;
        same += plain;
    }
    const double half = 0.98 / sqrt(b->swaps), low = quantile(extra, b->swaps, 0.5 - half),
                 high = quantile(extra, b->swaps, 0.5 + half);
    printf("swap before a token: %+.1f us, 95 %% interval %+.1f to %+.1f (median of %u differences; a token takes %.2f "
           "ms)\n",
           quantile(extra, b->swaps, 0.5) * 1e6, low * 1e6, high * 1e6, b->swaps, same / b->swaps * 1e3);
    free(extra);
}

static void run_named(bench *b, const char *what) {
    if (!strcmp(what, "decode") || !strcmp(what, "prefill"))
        run_single(b, *what == 'p');
    else if (!strcmp(what, "batch"))
        run_batch(b);
    else if (!strcmp(what, "curve"))
        run_curve(b);
    else if (!strcmp(what, "swap"))
        run_swap(b);
    else {
        fprintf(stderr, "lora: decode, prefill, batch, curve and swap are measured, not %s\n", what);
        exit(2);
    }
}

int main(int argc, char **argv) {
    static bench b = {.seconds = 2, .swaps = 5000};
    static const char *const all[] = {"decode", "prefill", "batch", "curve"};
    int threads = 0;
    for (int o; (o = getopt(argc, argv, "t:s:w:o:")) != -1;) switch (o) {
        case 't': threads = atoi(optarg); break;
        case 's': b.seconds = atof(optarg); break;
        case 'w': b.swaps = (uint32_t)atoi(optarg); break;
        case 'o': b.prefix = optarg; break;
        default: optind = argc;
        }
    if (optind >= argc || !b.swaps) {
        fprintf(stderr, "usage: lora [-t THREADS] [-s SECONDS] [-w SWAPS] [-o PREFIX] IMAGE "
                        "[decode|prefill|batch|curve|swap ...]\n");
        return 2;
    }
    start(&b, argv[optind], threads);
    for (int i = optind + 1; i < argc; i++) run_named(&b, argv[i]);
    for (size_t i = 0; i < 4 && optind + 1 == argc; i++) run_named(&b, all[i]);
    roma_exec_destroy(b.e);
    roma_plan_destroy(&b.plan);
    roma_image_close(&b.img);
    return 0;
}
