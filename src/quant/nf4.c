/* NF4 with double quantisation (QLoRA, arXiv 2305.14314), as bitsandbytes 0.50 does it on an x86 CPU: blocks of weights
 * with their absmax, and these absmax, less their mean, in 8-bit codes of a dynamic map. Blocks are counted in the
 * order of rows that Hugging Face folders have, whatever file the weights come from. docs/import.md, "Rounding". */
#include "quant/internal.h"

#include <assert.h>

/* ---- 4 bits ---- */

/* bitsandbytes' constants, FP32. */
static const float nf4[16] = {-1.0f,
                              -0.6961928009986877f,
                              -0.5250730514526367f,
                              -0.39491748809814453f,
                              -0.28444138169288635f,
                              -0.18477343022823334f,
                              -0.09105003625154495f,
                              0.0f,
                              0.07958029955625534f,
                              0.16093020141124725f,
                              0.24611230194568634f,
                              0.33791524171829224f,
                              0.44070982933044434f,
                              0.5626170039176941f,
                              0.7229568362236023f,
                              1.0f};

static float absmax_of(const float *x, uint64_t n) {
    float most = 0;
    for (uint64_t i = 0; i < n; i++) {
        const float a = x[i] < 0 ? -x[i] : x[i];
        most = a > most ? a : most;
    }
    return most;
}

/* A value in the middle of two of the map takes the lower one. */
float roma_nf4_codes(const float *x, uint64_t n, uint8_t *code) {
    const float absmax = absmax_of(x, n), factor = 1.0f / (absmax > 1e-38f ? absmax : 1e-38f);
    float above[15];
    for (int k = 0; k < 15; k++) above[k] = (nf4[k] + nf4[k + 1]) / 2.0f;
    for (uint64_t i = 0; i < n; i++) {
        const float v = x[i] * factor; /* beyond -1 and 1 by a rounding, which changes no comparison */
        int c = 0;
        for (int k = 0; k < 15; k++) c += v > above[k];
        code[i] = (uint8_t)c;
    }
    return absmax;
}

/* ---- 8 bits ---- */

void roma_nf4_map(float map[256]) {
    unsigned at = 128;
    double decade = 1e6;
    for (unsigned n = 1; n <= 64; n *= 2, decade /= 10)
        for (unsigned j = 0; j < n; j++, at++) {
            map[at] =
                (float)((2.0 * n + 9.0 * (2 * j + 1)) / (20.0 * n * decade)); /* (0.1 + 0.9 (2j + 1) / 2n) / decade */
            map[254 - at] = -map[at];
        }
    map[127] = 0;
    map[255] = 1;
}

float roma_nf4_offset(const float *absmax, uint64_t n) {
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) sum += (double)absmax[i];
    return (float)(sum / (double)n);
}

/* The nearest of the map, as bitsandbytes has it: of the 65,536 points that cut -1 to 1 evenly the one at v, and for
 * that point as many codes as there are middles below it. The double is exact until it is rounded to FP32. */
static uint8_t code_of(const float middle[255], float v) {
    v = v > -1 ? v : -1;
    v = v < 1 ? v : 1;
    const int point = (int)(float)((double)(v + 1.0f) * 0.5 * 65535.0 + 0.5);
    const float value = -1.0f + 2.0f * (float)point / 65535.0f;
    unsigned below = 0, end = 255; /* of the middles, which ascend */
    while (below < end) {
        const unsigned half = (below + end) / 2;
        if (middle[half] < value)
            below = half + 1;
        else
            end = half;
    }
    return (uint8_t)below;
}

void roma_nf4_nest(const float *absmax, uint64_t n, float offset, const float map[256], uint8_t *code, float *scale) {
    float middle[255], x[ROMA_NF4_NESTED];
    for (int i = 0; i < 255; i++) middle[i] = 0.5f * (map[i] + map[i + 1]);
    for (uint64_t from = 0; from < n; from += ROMA_NF4_NESTED) {
        const uint64_t count = n - from < ROMA_NF4_NESTED ? n - from : ROMA_NF4_NESTED;
        for (uint64_t i = 0; i < count; i++) x[i] = absmax[from + i] - offset;
        const float most = scale[from / ROMA_NF4_NESTED] = absmax_of(x, count), factor = 1.0f / most;
        for (uint64_t i = 0; i < count; i++) code[from + i] = most > 0 ? code_of(middle, x[i] * factor) : 0;
    }
}

/* ---- a matrix ---- */

/* What is known of a whole matrix while it is read. */
typedef struct {
    float *scale, map[256], offset;
    uint8_t *code;
} nested;

/* The row as folders count it; false: it is one of zeros that the model does not have. */
static bool place_of(const roma_tensor *t, uint64_t r, uint64_t *row) {
    roma_tensor as = *t;
    as.rope_halves = t->role == ROMA_W_Q || t->role == ROMA_W_K;
    return roma_tensor_source_row(&as, r, row);
}

static uint64_t blocks_of(const roma_tensor *t) { return t->cols / t->format.group; }

/* fl(fl(map[code] * scale) + offset) */
static float absmax_at(const nested *w, uint64_t block) {
    const float inner = w->map[w->code[block]] * w->scale[block / ROMA_NF4_NESTED];
    return inner + w->offset;
}

static void read_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    const uint64_t group = t->format.group, blocks = blocks_of(t);
    const float factor = (float)t->format.table[15]; /* the map ends in 1 */
    float x[t->cols];
    uint64_t row;
    assert(t->whole); /* begin was called */
    memset(out->scale, 0, blocks * sizeof *out->scale);
    if (!place_of(t, r, &row)) {
        memset(out->code, 0, t->cols);
        memset(out->scale32, 0, blocks * sizeof *out->scale32);
        return;
    }
    t->read_source(t, r, x);
    for (uint64_t b = 0; b < blocks; b++) {
        roma_nf4_codes(x + b * group, group, out->code + b * group);
        out->scale32[b] = absmax_at(t->whole, row * blocks + b) / factor;
    }
}

/* ---- before it is read ---- */

typedef struct {
    const roma_tensor *t;
    float *absmax;
} search;

static void find_absmax(void *ctx, int thread, int threads) {
    const search *s = ctx;
    const uint64_t group = s->t->format.group, blocks = blocks_of(s->t);
    float x[s->t->cols];
    size_t from, to;
    roma_share((size_t)s->t->rows, thread, threads, &from, &to);
    for (uint64_t r = from, row; r < to; r++) {
        if (!place_of(s->t, r, &row)) continue;
        s->t->read_source(s->t, r, x);
        for (uint64_t b = 0; b < blocks; b++) s->absmax[row * blocks + b] = absmax_of(x + b * group, group);
    }
}

static void end(roma_tensor *t) {
    nested *w = t->whole;
    if (w) roma_free(w->code), roma_free(w->scale);
    roma_free(w);
    t->whole = NULL;
}

static int begin(roma_tensor *t, roma_team *team, roma_error *err) {
    const uint64_t n = (t->true_rows ? t->true_rows : t->rows) * blocks_of(t);
    search s = {t, roma_alloc_array((size_t)n, sizeof *s.absmax)};
    nested *w = t->whole = roma_alloc_array(1, sizeof *w);
    if (w) {
        w->code = roma_alloc_array((size_t)n, 1);
        w->scale = roma_alloc_array((size_t)(n / ROMA_NF4_NESTED + 1), sizeof *w->scale);
    }
    const bool good = s.absmax && w && w->code && w->scale;
    if (good) {
        team ? roma_team_run(team, find_absmax, &s) : find_absmax(&s, 0, 1);
        roma_nf4_map(w->map);
        w->offset = roma_nf4_offset(s.absmax, n);
        roma_nf4_nest(s.absmax, n, w->offset, w->map, w->code, w->scale);
    } else
        end(t);
    roma_free(s.absmax);
    return good ? ROMA_OK : roma_quant_bad(t, ROMA_ENOMEM, err, "is too large: no memory for its scales");
}

int roma_quant_nf4_take(roma_tensor *t, uint32_t block, int levels, roma_error *err) {
    if (t->true_cols && t->true_cols != t->cols)
        return roma_quant_bad(t, ROMA_EUNSUPPORTED, err,
                              "has rows of %llu, no multiple of the block of %u: it would cross rows",
                              (unsigned long long)t->true_cols, block);
    t->format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F32, .group = (uint16_t)block};
    roma_format_use_map(&t->format, nf4, levels);
    t->read_row = read_row;
    t->begin = begin;
    t->end = end;
    return ROMA_OK;
}
