/* Random images. A code is uniform over its bits: the planes of a tile are random bytes. Uniform codes lie half a step
 * below the zero point on the mean; scales of random sign keep that from adding up over a row. */
#include "roma/synth.h"

#include <assert.h>
#include <math.h>

typedef struct {
    const roma_description *d;
    uint64_t seed;
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

static void random_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const weights *w = ctx;
    const roma_image_tensor *t = &w->d->tensors[tensor];
    const uint64_t key = key_of(w, t, tile);
    const double size = scale_size(w, t);
    const size_t scales = (size_t)t->cols / t->format.group * ROMA_TILE_ROWS;
    roma_tile_layout at;
    roma_tile_layout_get(&t->format, t->cols, &at);
    assert(t->format.scale == ROMA_SCALE_F16 && !t->format.min && t->rows % ROMA_TILE_ROWS == 0 && at.scale % 8 == 0);
    for (size_t i = 0; i < at.scale; i += 8) roma_put64(out + i, roma_random(key, i));
    for (size_t i = 0; i < scales; i++) {
        const uint64_t r = roma_random(key, at.scale + 8 * i);
        const double s = size * about_one(r);
        roma_put16(out + at.scale + 2 * i, roma_f32_to_f16((float)(r & 1 ? -s : s)));
    }
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
    weights w = {&d, seed};
    const roma_tile_source source = {&w, random_tile, random_vector};
    char note[96];
    roma_print(d.name, sizeof d.name, "random %s", shape);
    roma_print(note, sizeof note, "random weights of the shape %.32s, seed %llu", shape, (unsigned long long)seed);
    rc = roma_image_write(path, &d, NULL, note, &source, progress, out, err);
    roma_shape_destroy(&d);
    return rc;
}
