/* The forward pass: a whole window, layer by layer, each step shared by the team. */
#include "ref/internal.h"

#include <assert.h>
#include <math.h>

struct roma_ref {
    roma_ref_weights w;
    const roma_hyper *h;
    roma_team *team;
    void (*dot4)(const float *w, const float *const x[4], size_t n, float out[4]);
    uint32_t ctx, n; /* room, and tokens of the window */
    float *x, *xn, *q, *o, *k, *v, *gate, *up, *logits;
    float *vector; /* of a norm or bias, and of those of heads */
    float *turn;   /* cos and sin of every position and pair */
    float *tile;   /* of each thread: 16 dequantised rows */
    double *score; /* of each thread: one a position */
    size_t tile_floats;
};

/* What a team function works on: a matrix or vector, its input and its output. */
typedef struct {
    roma_ref *f;
    const void *matrix;
    const float *vector; /* NULL: none */
    uint64_t rows, cols; /* of the matrix */
    const float *in;
    float *out;
    uint32_t n, heads;
} job;

static const void *tensor(const roma_ref *f, uint32_t role, uint32_t layer) {
    return f->w.find(f->w.from, role, layer);
}

/* Values of a vector, the evaluator's until the next one; NULL when the model has none. */
static const float *vector(roma_ref *f, uint32_t role, uint32_t layer) {
    const void *t = tensor(f, role, layer);
    if (!t) return NULL;
    f->w.row(t, 0, f->vector);
    return f->vector;
}

static job matrix_job(roma_ref *f, uint32_t role, uint32_t layer) {
    job j = {.f = f, .matrix = tensor(f, role, layer), .n = f->n};
    roma_hyper_shape(f->h, role, &j.rows, &j.cols);
    return j;
}

/* ---- products ---- */

/* One tile's rows with all inputs, four at a time; the last four overlap when n is no multiple of four. */
static void tile_product(const job *j, uint64_t tile, float *w) {
    const uint64_t cols = j->cols, first = tile * ROMA_TILE_ROWS;
    const unsigned rows = j->rows - first < ROMA_TILE_ROWS ? (unsigned)(j->rows - first) : ROMA_TILE_ROWS;
    for (unsigned r = 0; r < rows; r++) j->f->w.row(j->matrix, first + r, w + r * cols);
    for (uint32_t p = 0; p < j->n; p += 4) {
        const float *x[4];
        float y[4];
        for (uint32_t k = 0; k < 4; k++) x[k] = j->in + (p + k < j->n ? p + k : j->n - 1) * cols;
        for (unsigned r = 0; r < rows; r++) {
            j->f->dot4(w + r * cols, x, cols, y);
            for (uint32_t k = 0; k < 4 && p + k < j->n; k++) j->out[(p + k) * j->rows + first + r] = y[k];
        }
    }
}

static void run_product(void *ctx, int thread, int threads) {
    const job *j = ctx;
    size_t from, to;
    roma_share(roma_tiles(j->rows), thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) tile_product(j, i, j->f->tile + (size_t)thread * j->f->tile_floats);
}

static void add_bias(const float *b, uint64_t width, float *y, uint32_t n) {
    for (uint32_t p = 0; p < n; p++)
        for (uint64_t i = 0; i < width; i++) y[p * width + i] += b[i];
}

/* bias: a role, or 0 */
static void linear(roma_ref *f, uint32_t role, uint32_t layer, uint32_t bias, const float *in, float *out) {
    const float *b = bias ? vector(f, bias, layer) : NULL;
    job j = matrix_job(f, role, layer);
    j.in = in;
    j.out = out;
    roma_team_run(f->team, run_product, &j);
    if (b) add_bias(b, j.rows, out, f->n);
}

/* ---- norms, rotation ---- */

/* n of them are the model's; the others are zero. */
static void norm_row(const float *g, const float *in, float *out, uint32_t width, uint32_t n, float eps) {
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += (double)in[i] * (double)in[i];
    s = 1 / sqrt(s / n + (double)eps);
    for (uint32_t i = 0; i < width; i++) out[i] = (float)((double)in[i] * s * (double)g[i]);
}

static void run_norm(void *ctx, int thread, int threads) {
    const job *j = ctx;
    const uint32_t width = j->f->h->hidden;
    size_t from, to;
    roma_share(j->n, thread, threads, &from, &to);
    for (size_t p = from; p < to; p++)
        norm_row(j->vector, j->in + p * width, j->out + p * width, width, roma_true_hidden(j->f->h), j->f->h->rms_eps);
}

static void norm(roma_ref *f, uint32_t role, uint32_t layer) {
    job j = {.f = f, .vector = vector(f, role, layer), .in = f->x, .out = f->xn, .n = f->n};
    roma_team_run(f->team, run_norm, &j);
}

/* Norm of each head where there is one, then pairs (2i, 2i + 1) turned by the position. */
static void run_turn(void *ctx, int thread, int threads) {
    const job *j = ctx;
    const roma_hyper *h = j->f->h;
    size_t from, to;
    roma_share((size_t)j->n * j->heads, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) {
        float *x = j->out + i * h->head_dim;
        const float *t = j->f->turn + i / j->heads * h->rope_dim;
        if (j->vector) norm_row(j->vector, x, x, h->head_dim, roma_true_head(h), h->rms_eps);
        for (uint32_t k = 0; k < h->rope_dim; k += 2) {
            const float a = x[k], b = x[k + 1];
            x[k] = a * t[k] - b * t[k + 1];
            x[k + 1] = a * t[k + 1] + b * t[k];
        }
    }
}

static void turn(roma_ref *f, uint32_t role, uint32_t layer, float *x, uint32_t heads) {
    job j = {.f = f, .vector = vector(f, role, layer), .out = x, .n = f->n, .heads = heads};
    roma_team_run(f->team, run_turn, &j);
}

/* cos and sin of a 64-bit phase, 2^64 being a turn, times a gain: Taylor over half a turn either way, absolute error
 * below 1e-13. */
static void cos_sin(uint64_t phase, double gain, float out[2]) {
    const double x = (double)(int64_t)phase * (6.283185307179586 * 0x1p-64);
    double c = 0, s = 0, term = 1;
    for (int i = 1; i <= 32; i++) {
        if (i & 1)
            c += i & 2 ? -term : term;
        else
            s += i & 2 ? term : -term;
        term = term * x / i;
    }
    out[0] = (float)(gain * c);
    out[1] = (float)(gain * s);
}

/* ---- attention ---- */

/* Scores of positions 0..pos, their softmax, and the values weighted by it. */
static void attend(const roma_ref *f, uint32_t head, uint32_t pos, double *score) {
    const roma_hyper *h = f->h;
    const uint32_t d = h->head_dim, width = h->kv_heads * d, at = head / (h->heads / h->kv_heads) * d;
    const float *q = f->q + ((size_t)pos * h->heads + head) * d;
    const uint32_t own = roma_true_head(h); /* the rest of a head is zero, and o has no columns for it */
    float *o = f->o + (size_t)pos * roma_hyper_attended(h) + head * own;
    double max = -HUGE_VAL, sum = 0;
    for (uint32_t p = 0; p <= pos; p += 4) {
        const float *k[4];
        float s[4];
        for (uint32_t i = 0; i < 4; i++) k[i] = f->k + (size_t)(p + i <= pos ? p + i : pos) * width + at;
        f->dot4(q, k, d, s);
        for (uint32_t i = 0; i < 4 && p + i <= pos; i++) {
            score[p + i] = (double)s[i] / sqrt(own);
            if (score[p + i] > max) max = score[p + i];
        }
    }
    for (uint32_t p = 0; p <= pos; p++) sum += score[p] = roma_exp_double(score[p] - max);
    memset(o, 0, own * sizeof *o);
    for (uint32_t p = 0; p <= pos; p++) {
        const float w = (float)(score[p] / sum), *v = f->v + (size_t)p * width + at;
        for (uint32_t i = 0; i < own; i++) o[i] += w * v[i];
    }
}

static void run_attend(void *ctx, int thread, int threads) {
    const job *j = ctx;
    const size_t all = (size_t)j->n * j->f->h->heads;
    for (size_t i = (size_t)thread; i < all; i += (size_t)threads) /* later positions cost more: dealt out in turn */
        attend(j->f, (uint32_t)(i % j->f->h->heads), (uint32_t)(i / j->f->h->heads),
               j->f->score + (size_t)thread * j->f->ctx);
}

/* ---- elements ---- */

static void run_silu(void *ctx, int thread, int threads) {
    const job *j = ctx;
    size_t from, to;
    roma_share((size_t)j->n * j->f->h->ffn, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) {
        const double g = (double)j->f->gate[i];
        j->f->gate[i] = (float)(g / (1 + roma_exp_double(-g)) * (double)j->f->up[i]);
    }
}

static void add(roma_ref *f, const float *y) {
    for (size_t i = 0; i < (size_t)f->n * f->h->hidden; i++) f->x[i] += y[i];
}

/* ---- the model ---- */

static void layer_forward(roma_ref *f, uint32_t l) {
    job j = {.f = f, .n = f->n};
    norm(f, ROMA_W_ATTN_NORM, l);
    linear(f, ROMA_W_Q, l, ROMA_W_Q_BIAS, f->xn, f->q);
    linear(f, ROMA_W_K, l, ROMA_W_K_BIAS, f->xn, f->k);
    linear(f, ROMA_W_V, l, ROMA_W_V_BIAS, f->xn, f->v);
    turn(f, ROMA_W_Q_NORM, l, f->q, f->h->heads);
    turn(f, ROMA_W_K_NORM, l, f->k, f->h->kv_heads);
    roma_team_run(f->team, run_attend, &j);
    linear(f, ROMA_W_O, l, ROMA_W_O_BIAS, f->o, f->xn);
    add(f, f->xn);
    norm(f, ROMA_W_FFN_NORM, l);
    linear(f, ROMA_W_GATE, l, ROMA_W_GATE_BIAS, f->xn, f->gate);
    linear(f, ROMA_W_UP, l, ROMA_W_UP_BIAS, f->xn, f->up);
    roma_team_run(f->team, run_silu, &j);
    linear(f, ROMA_W_DOWN, l, ROMA_W_DOWN_BIAS, f->gate, f->xn);
    add(f, f->xn);
}

static int tell(const roma_ref *f, roma_ref_hook hook, void *ctx, uint32_t layer, roma_error *err) {
    if (!hook || !hook(ctx, layer, f->h->layers, f->x, f->n)) return ROMA_OK;
    return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
}

int roma_ref_forward(roma_ref *f, const int32_t *ids, uint32_t n, roma_ref_hook hook, void *ctx, roma_error *err) {
    const void *embed = tensor(f, ROMA_W_EMBED, 0);
    assert(n && n <= f->ctx);
    f->n = n;
    for (uint32_t p = 0; p < n; p++) {
        const uint32_t id = (uint32_t)ids[p];
        assert(id < f->h->vocab);
        f->w.row(embed, id, f->x + (size_t)p * f->h->hidden);
    }
    int rc = tell(f, hook, ctx, 0, err);
    for (uint32_t l = 0; l < f->h->layers && !rc; l++) {
        layer_forward(f, l);
        rc = tell(f, hook, ctx, l + 1, err);
    }
    if (!rc) norm(f, ROMA_W_FINAL_NORM, 0);
    return rc;
}

const float *roma_ref_logits(roma_ref *f, uint32_t first, uint32_t n) {
    job j = matrix_job(f, tensor(f, ROMA_W_HEAD, 0) ? ROMA_W_HEAD : ROMA_W_EMBED, 0);
    j.in = f->xn + (size_t)first * f->h->hidden;
    j.out = f->logits;
    j.n = n;
    roma_team_run(f->team, run_product, &j);
    return f->logits;
}

/* ---- memory ---- */

void roma_ref_destroy(roma_ref *f) {
    if (!f) return;
    void *const all[] = {f->x,  f->xn,     f->q,    f->o,    f->k,      f->v,    f->gate,
                         f->up, f->logits, f->turn, f->tile, f->vector, f->score};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) roma_free(all[i]);
    roma_free(f);
}

/* Columns of the widest matrix, which no vector exceeds. */
static size_t widest(const roma_hyper *h) {
    size_t most = 0;
    for (uint32_t role = 1; role < ROMA_W_END; role++) {
        uint64_t rows, cols;
        if (roma_hyper_shape(h, role, &rows, &cols) && cols > most) most = (size_t)cols;
    }
    return most;
}

static bool take(roma_ref *f, uint32_t rows) {
    const roma_hyper *h = f->h;
    const size_t n = f->ctx, threads = (size_t)roma_team_threads(f->team), wide = (size_t)h->heads * h->head_dim,
                 kv = (size_t)h->kv_heads * h->head_dim;
    const struct {
        float **at;
        size_t count, size;
    } room[] = {{&f->x, n, h->hidden},
                {&f->xn, n, h->hidden},
                {&f->q, n, wide},
                {&f->o, n, roma_hyper_attended(h)},
                {&f->k, n, kv},
                {&f->v, n, kv},
                {&f->gate, n, h->ffn},
                {&f->up, n, h->ffn},
                {&f->logits, rows, h->vocab},
                {&f->turn, n, h->rope_dim},
                {&f->vector, 1, widest(h)},
                {&f->tile, threads * ROMA_TILE_ROWS, widest(h)}};
    for (size_t i = 0; i < sizeof room / sizeof *room; i++)
        if (!(*room[i].at = roma_alloc_array(room[i].count, room[i].size * sizeof(float)))) return false;
    return (f->score = roma_alloc_array(threads, n * sizeof *f->score)) != NULL;
}

int roma_ref_create(roma_ref **out, const roma_ref_weights *w, roma_team *team, uint32_t ctx, uint32_t rows,
                    roma_error *err) {
    const roma_hyper *h = w->hyper;
    roma_ref *f = roma_alloc_array(1, sizeof *f);
    *out = f;
    if (!f) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the FP32 evaluation");
    *f = (roma_ref){.w = *w, .h = h, .team = team, .ctx = ctx, .dot4 = roma_ref_dot4_any};
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) f->dot4 = roma_ref_dot4_avx2;
#endif
    f->tile_floats = widest(h) * ROMA_TILE_ROWS;
    if (!take(f, rows))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE,
                         "no memory for the FP32 evaluation of windows of %u tokens", ctx);
    for (uint32_t p = 0; p < ctx; p++)
        for (uint32_t i = 0; i < h->rope_dim / 2; i++)
            cos_sin(h->rope_phase[i] * p, h->rope_gain > 0 ? (double)h->rope_gain : 1,
                    f->turn + (size_t)p * h->rope_dim + 2 * i);
    return ROMA_OK;
}
