/* Writes a random image of any shape and format without a tokenizer, for chips in gates: make_model OUT.roma
 * [KEY=VALUE]... Keys of the shape: layers hidden ffn heads kv head rope vocab tied eps arch (llama, qwen2 with biases,
 * qwen3 with norms of heads); of the format of all matrices: bits group scale (1 FP16, 2 U4, 6 FP32) min (0 none, or as
 * scale) zero zeros (1: own zero points) table (1: a table of levels, 2: a fine one); up, down: bits of those matrices;
 * seed; gain of cos and sin in thousandths; width: own width of ffn; biases 1: those of o too; ordered 1: o's columns
 * stand backwards, 2: down's, folded. What is not given is as
 * in KEYS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roma/image.h"

/* clang-format off */
#define KEYS(X) \
    X(layers, 2) X(hidden, 128) X(ffn, 256) X(heads, 4) X(kv, 2) X(head, 32) X(rope, 0) \
    X(vocab, 256) X(tied, 1) X(bits, 4) X(group, 32) X(scale, 1) X(min, 0) X(zero, 0) X(zeros, 0) \
    X(table, 0) X(up, 0) X(down, 0) X(seed, 1) X(gain, 0) X(width, 0) X(biases, 0) \
    X(ordered, 0)
/* clang-format on */

typedef struct {
#define X(key, value) uint32_t key;
    KEYS(X)
#undef X
    uint32_t arch;
    float eps;
} spec;

enum { TENSORS_MAX = 8192 };
typedef struct {
    roma_description d;
    roma_image_tensor tensors[TENSORS_MAX];
    uint64_t seed;
} model;

static bool take(spec *s, const char *word) {
    static const struct {
        const char *name;
        uint32_t arch;
    } archs[] = {{"arch=llama", ROMA_ARCH_LLAMA}, {"arch=qwen2", ROMA_ARCH_QWEN2}, {"arch=qwen3", ROMA_ARCH_QWEN3}};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(word, archs[i].name) == 0) return s->arch = archs[i].arch, true;
    if (memcmp(word, "eps=", 4) == 0) return s->eps = strtof(word + 4, NULL), true;
#define X(key, value)                                                                                                  \
    if (memcmp(word, #key "=", sizeof #key) == 0) return s->key = (uint32_t)strtoul(word + sizeof #key, NULL, 10), true;
    KEYS(X)
#undef X
    return false;
}

/* ---- what it is made of ---- */

static roma_format format_of(const spec *s, uint32_t bits) {
    roma_format f = {.bits = (uint8_t)bits,
                     .scale = (uint8_t)s->scale,
                     .min = (uint8_t)s->min,
                     .group = (uint16_t)s->group,
                     .super = s->scale == ROMA_SCALE_F16 || s->scale == ROMA_SCALE_F32 ? 0 : 256,
                     .zero = (int16_t)s->zero,
                     .zeros = (uint16_t)s->zeros,
                     .level = (uint8_t)s->table};
    for (int i = 0; s->table && i < 16; i++) f.table[i] = (int8_t)(i * i / 2 + 9 * i - 127);
    return f;
}

static void describe(model *m, const spec *s) {
    roma_hyper *h = &m->d.hyper;
    *h = (roma_hyper){.arch = s->arch,
                      .layers = s->layers,
                      .hidden = s->hidden,
                      .ffn = s->ffn,
                      .heads = s->heads,
                      .kv_heads = s->kv,
                      .head_dim = s->head,
                      .rope_dim = s->rope ? s->rope : s->head,
                      .vocab = s->vocab,
                      .context = 2048,
                      .rms_eps = s->eps,
                      .true_ffn = s->width,
                      .rope_gain = (float)s->gain / 1000};
    for (uint32_t i = 0; i < h->rope_dim / 2; i++) h->rope_phase[i] = roma_rope_phase(10000, i, h->rope_dim, 1);
    snprintf(m->d.name, sizeof m->d.name, "random");
    m->d.tensors = m->tensors;
    m->seed = s->seed;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? h->layers : 1); l++) {
            const uint32_t bits = role == ROMA_W_UP && s->up       ? s->up
                                  : role == ROMA_W_DOWN && s->down ? s->down
                                                                   : s->bits;
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            if (!t.is_vector) t.format = format_of(s, bits);
            if (!roma_hyper_shape(h, role, &t.rows, &t.cols)) continue;
            if (!roma_hyper_required(h, role) && role != ROMA_W_HEAD && !(s->biases && role == ROMA_W_O_BIAS)) continue;
            if (role == ROMA_W_HEAD && s->tied) t.tie = 0;
            if (m->d.n_tensors < TENSORS_MAX) m->tensors[m->d.n_tensors++] = t;
        }
}

/* Columns of o, or of down, from the last to the first. */
static void turn_columns(model *m, uint32_t ordered) {
    static uint32_t from[65536];
    static roma_order order;
    for (size_t i = 0; i < m->d.n_tensors && ordered; i++) {
        roma_image_tensor *t = &m->tensors[i];
        if (t->role != (ordered == 1 ? ROMA_W_O : ROMA_W_DOWN)) continue;
        for (uint32_t k = 0; k < t->cols; k++) from[k] = (uint32_t)t->cols - 1 - k;
        order = (roma_order){(uint32_t)t->cols, ordered == 2, from};
        t->order = &order;
    }
}

/* ---- weights: codes and bits at random, scales about what gives weights of a few hundredths ---- */

static uint16_t scale_of(const roma_format *f, uint64_t key, uint64_t i) {
    if (f->super) return (uint16_t)(roma_random(key, i) & 15);
    return roma_f32_to_f16((1 + (float)(roma_random(key, i) & 255) / 256) / (float)(10u << f->bits));
}

static void tile(void *ctx, size_t tensor, uint64_t number, uint8_t *out) {
    const model *m = ctx;
    const roma_image_tensor *t = &m->tensors[tensor];
    const roma_format *f = &t->format;
    uint8_t *code = malloc(t->cols);
    uint16_t *scale = calloc(t->cols, 4 * sizeof *scale);
    float *scale32 = calloc(t->cols, sizeof *scale32);
    uint8_t *zeros = calloc(t->cols, 1);
    if (!code || !scale || !scale32 || !zeros) abort();
    const roma_row row = {code, scale, scale + t->cols, scale + 2 * t->cols, scale + 3 * t->cols, scale32, zeros};
    for (unsigned r = 0; r < ROMA_TILE_ROWS && number * ROMA_TILE_ROWS + r < t->rows; r++) {
        const uint64_t key = m->seed * 1000003 + tensor * 65537 + number * ROMA_TILE_ROWS + r;
        for (uint64_t i = 0; i < t->cols; i++) {
            code[i] = (uint8_t)(roma_random(key, i) & ((1u << f->bits) - 1));
            if (f->bits == 2 && f->zero == 1 && code[i] == 3) code[i] = 1; /* ternary */
        }
        for (uint64_t g = 0; g < t->cols / f->group; g++) {
            row.scale[g] = scale_of(f, key, 1 + 2 * g);
            scale32[g] = roma_f16_to_f32(row.scale[g]);
            zeros[g] = (uint8_t)(roma_random(key, 2 + 2 * g) & 15);
            row.min[g] = f->super ? 3 : roma_f32_to_f16(-0.05f);
        }
        for (uint64_t g = 0; f->super && g < t->cols / f->super; g++)
            row.super_scale[g] = row.super_min[g] = roma_f32_to_f16(0.003f);
        roma_tile_put_row(f, t->cols, out, r, &row);
    }
    free(code);
    free(scale);
    free(scale32);
    free(zeros);
}

static void vector(void *ctx, size_t tensor, float *out) {
    const model *m = ctx;
    for (uint64_t i = 0; i < m->tensors[tensor].cols; i++)
        out[i] = 0.75f + (float)(roma_random(m->seed + tensor, i) & 511) / 1024;
}

int main(int argc, char **argv) {
    static model m;
    spec s = {.arch = ROMA_ARCH_LLAMA,
              .eps = 1e-5f,
#define X(key, value) .key = value,
              KEYS(X)
#undef X
    };
    for (int i = 2; i < argc; i++)
        if (!take(&s, argv[i])) return fprintf(stderr, "make_model: what is %s?\n", argv[i]), 2;
    if (argc < 2) return fprintf(stderr, "usage: make_model OUT.roma [KEY=VALUE]...\n"), 2;
    const roma_tile_source source = {.ctx = &m, .tile = tile, .vector = vector};
    roma_image_written w;
    roma_error err;
    char text[1024];
    describe(&m, &s);
    turn_columns(&m, s.ordered);
    const int rc = roma_image_write(argv[1], &m.d, NULL, "random", &source, NULL, &w, &err);
    if (rc) fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
    return rc != 0;
}
