/* Random images and adapters; contract in random.h.
 *
 * Every value is drawn by its place (seed, tensor, tile, position), so that nothing depends on the order of writing. A
 * code is uniform over its bits: the planes of a tile are random bytes. Uniform codes lie half a step below the zero
 * point on the mean; scales of random sign keep that from adding up over a row. */
#include "random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

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

int random_image(const char *shape, const roma_shape_format *f, uint64_t seed, const char *path,
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

/* ---- adapters ---- */

typedef struct {
    const roma_adapter *a;
    uint64_t seed;
} adapter_weights;

/* -1 to 1 */
static float either_side(uint64_t key, uint64_t i) { return (float)(roma_random(key, i) >> 40) * 0x1p-23f - 1.0f; }

static uint64_t row_key(const adapter_weights *w, size_t target, bool b, uint64_t row) {
    const roma_adapter_target *t = &w->a->targets[target];
    return roma_random(roma_random(w->seed, (uint64_t)t->role << 33 | (uint64_t)t->layer << 1 | b), row);
}

/* A keeps the size of its input, B takes it to a quarter. */
static void random_row_a(void *ctx, size_t target, uint32_t row, float *out) {
    const adapter_weights *w = ctx;
    const uint64_t key = row_key(w, target, false, row), cols = w->a->targets[target].cols;
    const float size = (float)sqrt(3 / (double)cols);
    for (uint64_t i = 0; i < cols; i++) out[i] = size * either_side(key, i);
}

static void random_row_b(void *ctx, size_t target, uint64_t row, float *out) {
    const adapter_weights *w = ctx;
    const uint64_t key = row_key(w, target, true, row);
    const uint32_t rank = w->a->targets[target].rank;
    const float size = (float)(0.25 * sqrt(3 / (double)rank));
    for (uint32_t i = 0; i < rank; i++) out[i] = size * either_side(key, i);
}

static size_t all_linears(const roma_description *d, uint32_t rank, roma_adapter_target *out) {
    size_t n = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        if (!roma_adapter_role(t->role)) continue;
        out[n++] = (roma_adapter_target){.role = t->role,
                                         .layer = t->layer,
                                         .rows = t->rows,
                                         .cols = t->cols,
                                         .rank = rank,
                                         .alpha = (float)rank,
                                         .scale = 1};
    }
    return n;
}

int random_adapter(const roma_image *base, uint32_t type, uint32_t rank, uint64_t seed, const char *path,
                   const roma_progress *progress, roma_adapter_written *out, roma_error *err) {
    roma_adapter a = {.type = type, .targets = roma_alloc_array(base->desc.n_tensors, sizeof *a.targets)};
    if (!a.targets) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the adapter");
    const adapter_weights w = {&a, seed};
    const roma_adapter_source source = {(void *)(uintptr_t)&w, random_row_a, random_row_b};
    a.n_targets = all_linears(&base->desc, rank, a.targets);
    memcpy(a.base_id, base->base_id, 32);
    roma_print(a.name, sizeof a.name, "random %llu", (unsigned long long)seed);
    roma_print(a.note, sizeof a.note, "random values, rank %u, seed %llu", rank, (unsigned long long)seed);
    const int rc = roma_adapter_write(path, &a, &source, progress, out, err);
    roma_free(a.targets);
    return rc;
}
