/* A random model as a ROM image, and its forward pass in double precision written straight from the textbook: the
 * independent reference of the engine's tests. */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include <math.h>
#include <string.h>

#include "roma/adapter.h"

typedef struct {
    roma_description d;
    roma_image_tensor tensors[96];
    uint64_t seed;
} random_model;

static inline float random_float(uint64_t key, uint64_t i) {
    return (float)(roma_random(key, i) >> 40) * 0x1p-23f - 1.0f;
}

static inline void random_model_init(random_model *m, uint32_t arch, roma_format f, uint64_t seed) {
    memset(m, 0, sizeof *m);
    m->seed = seed;
    roma_hyper *h = &m->d.hyper;
    *h = (roma_hyper){.arch = arch,
                      .layers = 2,
                      .hidden = 256,
                      .ffn = 512,
                      .heads = 8,
                      .kv_heads = 2,
                      .head_dim = 64,
                      .rope_dim = 64,
                      .vocab = 200,
                      .context = 2048,
                      .rms_eps = 1e-5f};
    for (unsigned i = 0; i < 32; i++)
        h->rope_phase[i] = (uint64_t)(pow(10000.0, -2.0 * i / 64) / 6.283185307179586 * 0x1p64);
    snprintf(m->d.name, sizeof m->d.name, "random");
    m->d.tensors = m->tensors;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? h->layers : 1); l++) {
            roma_image_tensor t = {
                .role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role), .format = f};
            if (!roma_hyper_shape(h, role, &t.rows, &t.cols)) continue;
            if (!roma_hyper_required(h, role) && role != ROMA_W_HEAD) continue;
            m->tensors[m->d.n_tensors++] = t;
        }
}

/* Orders of columns, of every kind: in layer 0 q and k have one, v another, o and up one, gate none, down's is folded;
 * in layer 1 q has one, k and v none, gate and up one, and down's is gathered. */
static inline void random_model_order(random_model *m) {
    static uint32_t from[7][512];
    static roma_order orders[7];
    static const uint8_t of[2][ROMA_W_END] = {
        {[ROMA_W_Q] = 1, [ROMA_W_K] = 1, [ROMA_W_V] = 2, [ROMA_W_O] = 7, [ROMA_W_UP] = 3, [ROMA_W_DOWN] = 4},
        {[ROMA_W_Q] = 5, [ROMA_W_GATE] = 2, [ROMA_W_UP] = 2, [ROMA_W_DOWN] = 6}};
    for (size_t i = 0; i < m->d.n_tensors; i++) {
        roma_image_tensor *t = &m->tensors[i];
        const unsigned n = roma_tensor_role_is_layered(t->role) ? of[t->layer][t->role] : 0;
        if (!n || t->is_vector) continue;
        const uint32_t cols = (uint32_t)t->cols;
        for (uint32_t k = 0; k < cols; k++) from[n - 1][k] = k;
        for (uint32_t k = cols; k > 1; k--) {
            const uint32_t other = (uint32_t)(roma_random(m->seed + n, k) % k), was = from[n - 1][k - 1];
            from[n - 1][k - 1] = from[n - 1][other];
            from[n - 1][other] = was;
        }
        orders[n - 1] = (roma_order){cols, n == 4, from[n - 1]};
        t->order = &orders[n - 1];
    }
}

/* Tile bytes at random, scales about what gives weights of a few hundredths. */
static void random_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const random_model *m = ctx;
    const roma_image_tensor *t = &m->tensors[tensor];
    const roma_format *f = &t->format;
    uint8_t code[512];
    uint16_t scale[64], min[64], super[4], super_min[4];
    float scale32[64];
    uint8_t zeros[64];
    const roma_row row = {code, scale, min, super, super_min, scale32, zeros};
    const uint32_t groups = (uint32_t)(t->cols / f->group);
    const float target = 0.1f / (float)(1 << (f->bits - 1)) / (f->super ? 16.0f : 1.0f);
    for (unsigned r = 0; r < 16 && tile * 16 + r < t->rows; r++) {
        const uint64_t key = m->seed * 1000003 + tensor * 65537 + tile * 16 + r;
        for (uint32_t i = 0; i < t->cols; i++) code[i] = (uint8_t)(roma_random(key, i) & ((1u << f->bits) - 1));
        for (uint32_t g = 0; g < groups; g++) {
            scale[g] = f->super ? (uint16_t)(roma_random(key, 9000 + g) & 15)
                                : roma_f32_to_f16(target * (1.5f + random_float(key, 9000 + g) * 0.5f));
            scale32[g] =
                target * (1.5f + random_float(key, 9000 + g) * 0.5f) / (f->level == ROMA_LEVEL_FINE ? 64.0f : 1.0f);
            zeros[g] = (uint8_t)(f->zeros == ROMA_ZEROS_U4 ? roma_random(key, 9600 + g) & 15 : 0);
            min[g] = f->super ? (uint16_t)(roma_random(key, 9500 + g) & 15) : roma_f32_to_f16(-0.08f);
        }
        for (uint32_t g = 0; f->super && g < t->cols / f->super; g++) {
            super[g] = roma_f32_to_f16(target);
            super_min[g] = roma_f32_to_f16(-0.006f);
        }
        roma_tile_put_row(f, t->cols, out, r, &row);
    }
}

static void random_vector(void *ctx, size_t tensor, float *out) {
    const random_model *m = ctx;
    const roma_image_tensor *t = &m->tensors[tensor];
    const bool bias = t->role == ROMA_W_Q_BIAS || t->role == ROMA_W_K_BIAS || t->role == ROMA_W_V_BIAS;
    for (uint32_t i = 0; i < t->cols; i++)
        out[i] = bias ? random_float(m->seed + tensor, i) : 1.0f + 0.3f * random_float(m->seed + tensor, i);
}

static inline int random_model_write(random_model *m, const char *path, roma_error *err) {
    const roma_tile_source src = {.ctx = m, .tile = random_tile, .vector = random_vector};
    roma_image_written w;
    return roma_image_write(path, &m->d, NULL, "random", &src, NULL, &w, err);
}

/* ---- double precision ---- */

/* Adapters that the forward pass has beside the weights. */
static struct {
    const roma_adapter *adapter;
    double factor;
} ref_adapter[4];
static int ref_adapters;

/* The input that meets column c. */
static uint32_t ref_input(const roma_image_tensor *t, uint64_t c) {
    return (uint32_t)(t->order && !t->order->folded ? t->order->from[c] : c);
}

static void ref_lora(const roma_image_tensor *of, uint32_t role, uint32_t layer, const double *x, double *y) {
    for (int i = 0; i < ref_adapters; i++) {
        const roma_adapter *ad = ref_adapter[i].adapter;
        const roma_adapter_target *t = roma_adapter_find(ad, role, layer);
        float row[ROMA_ADAPTER_RANK_MAX];
        double h[ROMA_ADAPTER_RANK_MAX];
        if (!t) continue;
        for (uint32_t j = 0; j < t->rank; j++) {
            roma_adapter_row_a(t, j, row);
            h[j] = 0;
            for (uint64_t c = 0; c < t->cols; c++) h[j] += (double)row[c] * x[ref_input(of, c)];
        }
        for (uint64_t r = 0; r < t->rows; r++) {
            double v = 0;
            roma_adapter_row_b(ad->type, t, r, row);
            for (uint32_t j = 0; j < t->rank; j++) v += (double)row[j] * h[j];
            y[r] += v * (double)t->scale * ref_adapter[i].factor;
        }
    }
}

static void ref_linear(const roma_image *img, uint32_t role, uint32_t layer, const double *x, double *y) {
    const roma_image_tensor *t = roma_description_find(&img->desc, role, layer);
    float w[512];
    for (uint64_t r = 0; r < t->rows; r++) {
        roma_tile_dequant_row(&t->format, t->cols, t->data + r / 16 * t->tile_bytes, (unsigned)(r % 16), w);
        y[r] = 0;
        for (uint64_t c = 0; c < t->cols; c++) y[r] += (double)w[c] * x[ref_input(t, c)];
    }
    const uint32_t bias = role == ROMA_W_Q   ? ROMA_W_Q_BIAS
                          : role == ROMA_W_K ? ROMA_W_K_BIAS
                          : role == ROMA_W_V ? ROMA_W_V_BIAS
                                             : 0;
    const roma_image_tensor *b = bias ? roma_description_find(&img->desc, bias, layer) : NULL;
    for (uint64_t r = 0; b && r < t->rows; r++) y[r] += (double)((const float *)(const void *)b->data)[r];
    ref_lora(t, role, layer, x, y);
}

static void ref_norm(const roma_image *img, uint32_t role, uint32_t layer, const double *x, double *y, uint32_t n) {
    const float *g = (const float *)(const void *)roma_description_find(&img->desc, role, layer)->data;
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += x[i] * x[i];
    s = 1 / sqrt(s / n + (double)img->desc.hyper.rms_eps);
    for (uint32_t i = 0; i < n; i++) y[i] = x[i] * s * (double)g[i];
}

static void ref_head(const roma_image *img, uint32_t norm, uint32_t layer, double *v, uint32_t heads, uint32_t pos) {
    const roma_hyper *h = &img->desc.hyper;
    for (uint32_t k = 0; k < heads; k++) {
        double *x = v + k * h->head_dim;
        if (roma_description_find(&img->desc, norm, layer)) ref_norm(img, norm, layer, x, x, h->head_dim);
        for (uint32_t i = 0; i < h->rope_dim / 2; i++) {
            const double a = (double)h->rope_phase[i] * 0x1p-64 * 6.283185307179586 * pos, c = cos(a), s = sin(a),
                         p = x[2 * i], q = x[2 * i + 1];
            x[2 * i] = p * c - q * s;
            x[2 * i + 1] = p * s + q * c;
        }
    }
}

static bool ref_relu2; /* the gated unit's function: a squared ReLU, else SiLU */
static inline double ref_gate(double g) { return ref_relu2 ? (g > 0 ? g * g : 0) : g / (1 + exp(-g)); }

/* Logits of the last of n tokens; k and v are [layer][pos][kv]. */
static inline void ref_forward(const roma_image *img, const int32_t *tokens, uint32_t n, double *logits) {
    const roma_hyper *h = &img->desc.hyper;
    static double K[2][700][128], V[2][700][128];
    double x[256], xn[256], q[512], o[512], y[256], g[512], u[512], w[700];
    for (uint32_t pos = 0; pos < n; pos++) {
        float e[512];
        const roma_image_tensor *t = roma_description_find(&img->desc, ROMA_W_EMBED, 0);
        roma_tile_dequant_row(&t->format, t->cols, t->data + (uint64_t)tokens[pos] / 16 * t->tile_bytes,
                              (unsigned)tokens[pos] % 16, e);
        for (uint32_t i = 0; i < h->hidden; i++) x[i] = (double)e[i];
        for (uint32_t l = 0; l < h->layers; l++) {
            ref_norm(img, ROMA_W_ATTN_NORM, l, x, xn, h->hidden);
            ref_linear(img, ROMA_W_Q, l, xn, q);
            ref_linear(img, ROMA_W_K, l, xn, K[l][pos]);
            ref_linear(img, ROMA_W_V, l, xn, V[l][pos]);
            ref_head(img, ROMA_W_Q_NORM, l, q, h->heads, pos);
            ref_head(img, ROMA_W_K_NORM, l, K[l][pos], h->kv_heads, pos);
            for (uint32_t hd = 0; hd < h->heads; hd++) {
                const uint32_t at = hd / (h->heads / h->kv_heads) * h->head_dim;
                double max = -1e300, sum = 0;
                for (uint32_t p = 0; p <= pos; p++) {
                    w[p] = 0;
                    for (uint32_t i = 0; i < h->head_dim; i++) w[p] += q[hd * h->head_dim + i] * K[l][p][at + i];
                    w[p] /= sqrt((double)h->head_dim);
                    if (w[p] > max) max = w[p];
                }
                for (uint32_t p = 0; p <= pos; p++) sum += w[p] = exp(w[p] - max);
                for (uint32_t i = 0; i < h->head_dim; i++) {
                    double s = 0;
                    for (uint32_t p = 0; p <= pos; p++) s += w[p] * V[l][p][at + i];
                    o[hd * h->head_dim + i] = s / sum;
                }
            }
            ref_linear(img, ROMA_W_O, l, o, y);
            for (uint32_t i = 0; i < h->hidden; i++) x[i] += y[i];
            ref_norm(img, ROMA_W_FFN_NORM, l, x, xn, h->hidden);
            ref_linear(img, ROMA_W_GATE, l, xn, g);
            ref_linear(img, ROMA_W_UP, l, xn, u);
            for (uint32_t i = 0; i < h->ffn; i++) g[i] = ref_gate(g[i]) * u[i];
            ref_linear(img, ROMA_W_DOWN, l, g, y);
            for (uint32_t i = 0; i < h->hidden; i++) x[i] += y[i];
        }
    }
    ref_norm(img, ROMA_W_FINAL_NORM, 0, x, xn, h->hidden);
    ref_linear(img, roma_description_find(&img->desc, ROMA_W_HEAD, 0) ? ROMA_W_HEAD : ROMA_W_EMBED, 0, xn, logits);
}

#endif
