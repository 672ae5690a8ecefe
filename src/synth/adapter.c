/* Random adapters of one rank on every linear. */
#include "roma/synth.h"

#include <math.h>
#include <string.h>

typedef struct {
    const roma_adapter *a;
    uint64_t seed;
} weights;

/* -1 to 1 */
static float either_side(uint64_t key, uint64_t i) { return (float)(roma_random(key, i) >> 40) * 0x1p-23f - 1.0f; }

static uint64_t row_key(const weights *w, size_t target, bool b, uint64_t row) {
    const roma_adapter_target *t = &w->a->targets[target];
    return roma_random(roma_random(w->seed, (uint64_t)t->role << 33 | (uint64_t)t->layer << 1 | b), row);
}

/* A keeps the size of its input, B takes it to a quarter. */
static void random_row_a(void *ctx, size_t target, uint32_t row, float *out) {
    const weights *w = ctx;
    const uint64_t key = row_key(w, target, false, row), cols = w->a->targets[target].cols;
    const float size = (float)sqrt(3 / (double)cols);
    for (uint64_t i = 0; i < cols; i++) out[i] = size * either_side(key, i);
}

static void random_row_b(void *ctx, size_t target, uint64_t row, float *out) {
    const weights *w = ctx;
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

int roma_synth_adapter(const roma_image *base, uint32_t type, uint32_t rank, uint64_t seed, const char *path,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err) {
    roma_adapter a = {.type = type, .targets = roma_alloc_array(base->desc.n_tensors, sizeof *a.targets)};
    if (!a.targets) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the adapter");
    const weights w = {&a, seed};
    const roma_adapter_source source = {(void *)(uintptr_t)&w, random_row_a, random_row_b};
    a.n_targets = all_linears(&base->desc, rank, a.targets);
    memcpy(a.base_id, base->base_id, 32);
    roma_print(a.name, sizeof a.name, "random %llu", (unsigned long long)seed);
    roma_print(a.note, sizeof a.note, "random values, rank %u, seed %llu", rank, (unsigned long long)seed);
    const int rc = roma_adapter_write(path, &a, &source, progress, out, err);
    roma_free(a.targets);
    return rc;
}
