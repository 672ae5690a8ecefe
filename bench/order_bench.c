/* What act-order costs: decode and prefill of an image as it is, with orders as GPTQ has them (q, k and v share one,
 * gate and up another, o has its own, down's is folded), and with an order of its own for each of the six.
 *
 *   build/bench/order [-t THREADS] [-s SECONDS] IMAGE
 *
 * The weights are the same in all three, so the answers are not: only their time counts. The three take turns step by
 * step; a cost is the median over the rounds of the ratio to the image as it is in the same round. SECONDS is for each
 * configuration (default 5). */
#include "roma/exec.h"
#include "roma/map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROMPT = 128, DEPTH = 48, ROUNDS_MAX = 1 << 15, FORMS = 3 };

typedef struct {
    roma_image img; /* its tensors are its own */
    roma_plan plan;
    roma_exec *e;
    double time[ROUNDS_MAX];
} form;

static void stop(const roma_error *err) {
    fprintf(stderr, "order: %s\n", err->text);
    exit(2);
}

static void *must(void *p) {
    if (!p) abort();
    return p;
}

static const uint32_t *shuffled(uint64_t seed, uint32_t cols) {
    uint32_t *from = must(malloc(cols * sizeof *from));
    for (uint32_t k = 0; k < cols; k++) from[k] = k;
    for (uint32_t k = cols; k > 1; k--) {
        const uint32_t other = (uint32_t)(roma_random(seed, k) % k), was = from[k - 1];
        from[k - 1] = from[other];
        from[other] = was;
    }
    return from;
}

/* The role whose order a role shares: its own, or that of the first of those that read the same. */
static uint32_t leader(uint32_t role, bool own) {
    if (own) return role;
    return role == ROMA_W_K || role == ROMA_W_V ? ROMA_W_Q : role == ROMA_W_UP ? ROMA_W_GATE : role;
}

static void order(roma_description *d, bool own) {
    d->orders = must(calloc(d->n_tensors, sizeof *d->orders));
    for (size_t i = 0; i < d->n_tensors; i++) {
        roma_image_tensor *t = &d->tensors[i];
        if (t->is_vector || !roma_tensor_role_is_layered(t->role)) continue;
        const uint32_t first = leader(t->role, own);
        t->order = first == t->role ? &d->orders[d->n_orders++] : roma_description_find(d, first, t->layer)->order;
        if (first == t->role)
            d->orders[d->n_orders - 1] =
                (roma_order){(uint32_t)t->cols, t->role == ROMA_W_DOWN, shuffled(i, (uint32_t)t->cols)};
    }
}

static void start(form *f, const roma_image *img, int kind, int threads) {
    roma_error err;
    const roma_exec_config c = {.threads = threads, .context = PROMPT, .rows = PROMPT};
    f->img = *img;
    roma_description *d = &f->img.desc;
    d->tensors = must(malloc(d->n_tensors * sizeof *d->tensors));
    memcpy(d->tensors, img->desc.tensors, d->n_tensors * sizeof *d->tensors);
    if (kind) order(d, kind == 2);
    if (roma_map_plan(&f->plan, d, &err) || roma_exec_create(&f->e, &f->img, &f->plan, &c, &err)) stop(&err);
}

/* One step of n rows behind `depth` positions, which are forgotten again. */
static double step(form *f, uint32_t depth, uint32_t n) {
    roma_exec_row rows[PROMPT];
    roma_error err;
    roma_exec_truncate(f->e, 0, depth);
    for (uint32_t i = 0; i < n; i++) rows[i] = (roma_exec_row){(int32_t)i % 50, 0, depth + i, 0, i + 1 == n};
    const double began = roma_now();
    if (roma_exec_step(f->e, rows, n, &err)) stop(&err);
    return roma_now() - began;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(form *f, const char *what, uint32_t depth, uint32_t n, double seconds) {
    static const char *const names[FORMS] = {"as it is", "orders as GPTQ has them", "six orders a layer"};
    static double ratio[ROUNDS_MAX];
    size_t rounds = 0;
    for (int k = 0; k < FORMS; k++) step(&f[k], depth, n);
    for (const double end = roma_now() + FORMS * seconds; rounds < ROUNDS_MAX && roma_now() < end; rounds++)
        for (size_t j = 0; j < FORMS; j++) {
            form *at = &f[(rounds + j) % FORMS];
            at->time[rounds] = step(at, depth, n);
        }
    printf("%s, %zu rounds\n", what, rounds);
    for (int k = 0; k < FORMS; k++) {
        double best = f[k].time[0];
        for (size_t r = 0; r < rounds; r++) {
            ratio[r] = f[k].time[r] / f[0].time[r];
            best = f[k].time[r] < best ? f[k].time[r] : best;
        }
        qsort(ratio, rounds, sizeof *ratio, by_value);
        printf("  %-24s %9.3f ms at best   cost %+6.2f %%\n", names[k], best * 1e3, 100 * (ratio[rounds / 2] - 1));
    }
}

int main(int argc, char **argv) {
    static form f[FORMS];
    roma_image img;
    roma_error err;
    int threads = 1;
    double seconds = 5;
    for (int o; (o = getopt(argc, argv, "t:s:")) != -1;) switch (o) {
        case 't': threads = atoi(optarg); break;
        case 's': seconds = atof(optarg); break;
        default: optind = argc;
        }
    if (optind + 1 != argc || threads < 1) {
        fprintf(stderr, "usage: order [-t THREADS] [-s SECONDS] IMAGE\n");
        return 2;
    }
    if (roma_image_open(&img, argv[optind], 0, NULL, &err)) stop(&err);
    for (int k = 0; k < FORMS; k++) start(&f[k], &img, k, threads);
    printf("%s, %s, %d threads\n", img.desc.name, roma_exec_isa(f[0].e), threads);
    measure(f, "prefill, 128 rows", 0, PROMPT, seconds);
    for (int k = 0; k < FORMS; k++) { /* what decode sees */
        roma_exec_truncate(f[k].e, 0, 0);
        step(&f[k], 0, DEPTH);
    }
    measure(f, "decode", DEPTH, 1, seconds);
    return 0; /* what is open ends with the process */
}
