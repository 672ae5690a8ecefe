/* How close the kernels come to the machine: decode as a share of the read bandwidth, prefill as a share of the int8
 * peak.
 *
 *   build/bench/kern [isa] [cols] [rows of activations]
 *
 * Both denominators are measured here, in the same run and with the same two threads: bandwidth is the best of five
 * reads of 1 GiB on huge pages, by pieces, the peak is the best of register-only loops of the instruction that the
 * kernels multiply with. */
#include "kern_formats.h"
#include "roma/roof.h"

#include <stdlib.h>
#include <string.h>

#ifndef BENCH_FIND /* kernels by name, and the name of the loop that is their peak: kern_vl_avx512.c has its own */
/* A name without a variant: the one that an engine begins with here. */
static const roma_kern *find(const char *name) {
    const roma_kern *k = roma_kern_find(name);
    return k && (!strcmp(name, "auto") || !strcmp(name, k->name)) ? roma_kern_known(k).kern : k;
}
#define BENCH_FIND(name) find(name)
#define BENCH_PEAK(k) (strcmp((k)->name, "scalar") ? (k)->name : "avx2")
#endif

#define PIECE ((size_t)16 << 20)
#define PIECES ((size_t)64)

typedef struct {
    const roma_kern *k;
    const roma_format *f;
    uint64_t cols;
    uint8_t *tiles, *base;
    size_t tile_bytes, n_tiles, n_acts;
    const roma_act *acts;
    float *out;
    uint8_t *scratch[2];
    unsigned repeat;
} work;

static void run_product(void *ctx, int thread, int threads) {
    const work *w = ctx;
    size_t begin, end;
    roma_share(w->n_tiles, thread, threads, &begin, &end);
    for (unsigned i = 0; i < w->repeat; i++)
        w->k->product(w->f, w->cols, w->tiles + begin * w->tile_bytes, end - begin, w->acts, w->n_acts,
                      w->out + 16 * begin, 16 * w->n_tiles, w->scratch[thread]);
}

/* Best time of a run among rounds over `pieces` pieces; a piece is short, so that a shared machine leaves some of them
 * alone. */
typedef void (*piece_fn)(void *ctx, size_t piece);
static double best_seconds(roma_team *team, roma_team_fn fn, void *ctx, piece_fn set, size_t pieces, int rounds) {
    double best = 1e9;
    for (int i = 0; i < rounds; i++)
        for (size_t p = 0; p < pieces; p++) {
            if (set) set(ctx, p);
            const double t = roma_now();
            roma_team_run(team, fn, ctx);
            const double s = roma_now() - t;
            best = s < best ? s : best;
        }
    return best;
}

static void set_work(void *ctx, size_t piece) {
    work *w = ctx;
    w->tiles = w->base + piece * w->n_tiles * w->tile_bytes;
}

typedef struct {
    roma_roof_block block;
    const uint8_t *base;
} read_piece;

static void set_read(void *ctx, size_t piece) {
    read_piece *r = ctx;
    r->block.base = r->base + piece * r->block.bytes;
}

static void make_acts(roma_act *acts, size_t n, uint64_t cols, uint8_t *block, const roma_kern *k) {
    float *x = malloc(cols * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        for (uint64_t c = 0; c < cols; c++) x[c] = (float)((double)(roma_random(i, c) >> 11) * 0x1p-53 - 0.5);
        roma_act_init(&acts[i], block + i * roma_act_bytes(cols), cols);
        k->quantise(x, cols, 1, &acts[i]);
    }
    free(x);
}

int main(int argc, char **argv) {
    const roma_kern *k = BENCH_FIND(argc > 1 ? argv[1] : "auto");
    const uint64_t cols = argc > 2 ? strtoull(argv[2], NULL, 10) : 2048;
    const size_t n_acts = argc > 3 ? strtoull(argv[3], NULL, 10) : 128;
    if (!k || !cols || cols % 256 || !n_acts)
        return fprintf(stderr, "usage: kern [isa] [cols, a multiple of 256] [rows]\n"), 2;
    roma_arena big, small;
    roma_team *team;
    const size_t total = (size_t)1 << 30, scratch = roma_arena_piece(roma_kern_scratch_bytes(cols, n_acts));
    const size_t small_bytes =
        2 * scratch + n_acts * (roma_act_bytes(cols) + sizeof(roma_act)) + (1 << 20) + 4 * 16 * n_acts * 512;
    if (roma_arena_create(&big, total, NULL) || roma_arena_create(&small, small_bytes, NULL) ||
        roma_team_create(&team, 2, NULL))
        return fprintf(stderr, "not enough memory\n"), 3;
    char cpu[96];
    printf("CPU %s\n", roma_roof_cpu(cpu, sizeof cpu));
    /* Finite FP16 everywhere: every byte keeps its bit 6 clear, which also keeps the codes mixed. */
    for (size_t i = 0; i < total / 8; i++) {
        const uint64_t v = roma_random(7, i) & 0xbfbfbfbfbfbfbfbfu;
        memcpy(big.base + 8 * i, &v, 8);
    }
    read_piece read = {.block = {.base = big.base, .bytes = PIECE}, .base = big.base};
    double bandwidth = PIECE / best_seconds(team, roma_roof_read_run, &read, set_read, PIECES, 5);
    const double peak = roma_roof_int8_gmac_s(team, BENCH_PEAK(k)) * 1e9;
    printf("%s: read %.1f GB/s, int8 peak %.0f GMAC/s, 2 threads, rows of %llu\n", k->name, bandwidth / 1e9, peak / 1e9,
           (unsigned long long)cols);
    printf("%-32s %10s %8s %10s   %10s %8s (%zu rows)\n", "format", "decode GB/s", "share", "Gweight/s", "GMAC/s",
           "share", n_acts);

    roma_act *acts = roma_arena_take(&small, n_acts * sizeof *acts);
    make_acts(acts, n_acts, cols, roma_arena_take(&small, n_acts * roma_act_bytes(cols)), k);
    uint8_t *s0 = roma_arena_take(&small, scratch), *s1 = roma_arena_take(&small, scratch);
    float *out_small = roma_arena_take(&small, 4 * 16 * n_acts * 512);
    double decode[FORMATS] = {0}, prefill[FORMATS] = {0}, bytes[FORMATS]; /* bytes and products a second */
    for (int round = 0; round < 3; round++)                               /* a noise is in no format alone */
        for (size_t i = 0; i < FORMATS; i++) {
            roma_tile_layout l;
            roma_tile_layout_get(&formats[i].f, cols, &l);
            work w = {.k = k,
                      .f = &formats[i].f,
                      .cols = cols,
                      .base = big.base,
                      .tile_bytes = l.bytes,
                      .acts = acts,
                      .scratch = {s0, s1},
                      .repeat = 1};
            w.n_tiles = PIECE / l.bytes;
            w.n_acts = 1;
            w.out = malloc(w.n_tiles * 64);
            bytes[i] = (double)(w.n_tiles * l.bytes);
            const double d = bytes[i] / best_seconds(team, run_product, &w, set_work, PIECES, 2);
            decode[i] = d > decode[i] ? d : decode[i];
            bytes[i] = (double)l.bytes / (16.0 * (double)cols);
            const double again = PIECE / best_seconds(team, roma_roof_read_run, &read, set_read, PIECES, 1);
            bandwidth = again > bandwidth ? again : bandwidth; /* beside it: the load varies */
            free(w.out);
            w.n_tiles = 512 * 2048 / cols / 4 ? 512 * 2048 / cols / 4 : 2;
            w.n_acts = n_acts;
            w.out = out_small;
            w.tiles = big.base;
            const double p =
                (double)(w.n_tiles * 16 * cols * n_acts) / best_seconds(team, run_product, &w, NULL, 12, 1);
            prefill[i] = p > prefill[i] ? p : prefill[i];
        }
    for (size_t i = 0; i < FORMATS; i++)
        printf("%-32s %10.1f %7.0f%% %10.1f   %10.0f %7.0f%%\n", formats[i].name, decode[i] / 1e9,
               decode[i] / bandwidth * 100, decode[i] / bytes[i] / 1e9, prefill[i] / 1e9, prefill[i] / peak * 100);
    roma_team_destroy(team);
    roma_arena_destroy(&small);
    roma_arena_destroy(&big);
    return 0;
}
