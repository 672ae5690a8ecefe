/* Random images. A code is uniform over its bits: the planes of a tile are random bytes. Uniform codes lie half a step
 * below the zero point on the mean; scales of random sign keep that from adding up over a row. */
#include "roma/synth.h"

#include <assert.h>
#include <math.h>

typedef struct {
    const roma_description *d;
    uint64_t seed;
    uint8_t *code; /* room for a row, owned */
    uint16_t *scale;
} weights;

/* Spread of the logits: a random model is then about as sure of itself as a trained one. */
static const double head_gain = 3;

static uint64_t key_of(const weights *w, const roma_image_tensor *t, uint64_t tile) {
    return roma_random(roma_random(w->seed, (uint64_t)t->role << 32 | t->layer), tile);
}

/* 0.75 to 1.25 */
static double about_one(uint64_t random) { return 0.75 + (double)(random >> 12) * 0x1p-53; }

static bool is_head(const weights *w, const roma_image_tensor *t) {
    const roma_image_tensor *head = roma_description_find(w->d, ROMA_W_HEAD, 0);
    return t == head || (head->tie >= 0 && t == &w->d->tensors[head->tie]);
}

/* Size of a scale: the root mean square of a weight is 1 / sqrt(cols). */
static double scale_size(const weights *w, const roma_image_tensor *t) {
    const double codes = (double)(1 << t->format.bits), spread = sqrt((codes * codes + 2) / 12);
    return (is_head(w, t) ? head_gain : 1) / (spread * sqrt((double)t->cols));
}

/* Size about `size` and sign of a scale. */
static uint16_t random_scale(uint64_t random, double size) {
    const double s = size * about_one(random);
    return roma_f32_to_f16((float)(random & 1 ? -s : s));
}

/* Row r of a matrix, which is zero where the model's own widths end before it. */
static bool is_own_row(const roma_hyper *h, uint32_t role, uint64_t r) {
    switch (role) {
    case ROMA_W_Q:
    case ROMA_W_K:
    case ROMA_W_V: return r % h->head_dim < roma_true_head(h);
    case ROMA_W_GATE:
    case ROMA_W_UP: return r < roma_true_ffn(h);
    case ROMA_W_O:
    case ROMA_W_DOWN: return r < roma_true_hidden(h);
    default: return true;
    }
}

static bool has_own_widths(const roma_hyper *h) { return h->true_hidden || h->true_ffn || h->true_head; }

/* The last tile of a matrix whose rows do not fill it, or one with rows or columns that the model has not: these are
 * zero. Columns matter in the embedding alone, as all other matrices meet zeros there. */
static void random_rows(const weights *w, const roma_image_tensor *t, uint64_t tile, unsigned rows, uint8_t *out) {
    const roma_hyper *h = &w->d->hyper;
    const uint64_t key = key_of(w, t, tile);
    const unsigned mask = (1u << t->format.bits) - 1;
    const double size = scale_size(w, t);
    const roma_row row = {.code = w->code, .scale = w->scale};
    memset(out, 0, (size_t)t->tile_bytes);
    for (unsigned r = 0; r < rows; r++) {
        if (!is_own_row(h, t->role, tile * ROMA_TILE_ROWS + r)) continue;
        const uint64_t own = roma_random(key, r);
        for (uint64_t i = 0; i < t->cols; i++) w->code[i] = (uint8_t)(roma_random(own, i) & mask);
        for (uint64_t i = roma_true_hidden(h); t->role == ROMA_W_EMBED && i < t->cols; i++)
            w->code[i] = (uint8_t)t->format.zero;
        for (uint64_t g = 0; g < t->cols / t->format.group; g++)
            w->scale[g] = random_scale(roma_random(own, t->cols + g), size);
        roma_tile_put_row(&t->format, t->cols, out, r, &row);
    }
}

static void random_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const weights *w = ctx;
    const roma_image_tensor *t = &w->d->tensors[tensor];
    const uint64_t key = key_of(w, t, tile);
    const double size = scale_size(w, t);
    const uint64_t left = t->rows - tile * ROMA_TILE_ROWS;
    if (left < ROMA_TILE_ROWS || has_own_widths(&w->d->hyper)) {
        random_rows(w, t, tile, left < ROMA_TILE_ROWS ? (unsigned)left : ROMA_TILE_ROWS, out);
        return;
    }
    const size_t scales = (size_t)t->cols / t->format.group * ROMA_TILE_ROWS;
    roma_tile_layout at;
    roma_tile_layout_get(&t->format, t->cols, &at);
    assert(t->format.scale == ROMA_SCALE_F16 && !t->format.min && at.scale % 8 == 0);
    for (size_t i = 0; i < at.scale; i += 8) roma_put64(out + i, roma_random(key, i));
    for (size_t i = 0; i < scales; i++)
        roma_put16(out + at.scale + 2 * i, random_scale(roma_random(key, at.scale + 8 * i), size));
}

static void random_vector(void *ctx, size_t tensor, float *out) {
    const weights *w = ctx;
    const roma_image_tensor *t = &w->d->tensors[tensor];
    const uint64_t key = key_of(w, t, 0);
    for (uint64_t i = 0; i < t->cols; i++) out[i] = (float)about_one(roma_random(key, i));
}

/* A shape says "tied" by having no head; an image by a head that is tied. */
static void tie_head(roma_description *d) {
    const roma_image_tensor *embed = roma_description_find(d, ROMA_W_EMBED, 0);
    if (roma_description_find(d, ROMA_W_HEAD, 0)) return;
    roma_image_tensor *head = &d->tensors[d->n_tensors++]; /* roma_shape_describe has room for all roles */
    *head = *embed;
    head->role = ROMA_W_HEAD;
    head->tie = (int32_t)(embed - d->tensors);
}

int roma_synth_image(const char *shape, const roma_shape_format *f, uint64_t seed, const char *path,
                     const roma_progress *progress, roma_image_written *out, roma_error *err) {
    roma_description d;
    int rc = roma_shape_describe(&d, shape, f, err);
    if (rc) return rc;
    tie_head(&d);
    const uint64_t q = roma_hyper_attended(&d.hyper);
    const uint64_t widest = d.hyper.ffn > d.hyper.hidden ? d.hyper.ffn : d.hyper.hidden;
    weights w = {.d = &d, .seed = seed};
    w.code = roma_alloc_array((size_t)(widest > q ? widest : q), sizeof *w.code);
    w.scale = roma_alloc_array((size_t)(widest > q ? widest : q), sizeof *w.scale);
    const roma_tile_source source = {.ctx = &w, .tile = random_tile, .vector = random_vector};
    char note[96], name[sizeof d.name];
    roma_print(note, sizeof note, "random weights of the shape %.32s, seed %llu", d.name, (unsigned long long)seed);
    roma_print(name, sizeof name, "random %.120s", d.name);
    memcpy(d.name, name, sizeof name);
    rc = w.code && w.scale ? roma_image_write(path, &d, NULL, note, &source, progress, out, err)
                           : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a row");
    roma_free(w.code);
    roma_free(w.scale);
    roma_shape_destroy(&d);
    return rc;
}
