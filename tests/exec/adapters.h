/* Random adapters for a model that is open. */
#ifndef TEST_EXEC_ADAPTERS_H
#define TEST_EXEC_ADAPTERS_H

#include <unistd.h>

#include "../test.h"
#include "random_model.h"
#include "roma/exec.h"

typedef struct {
    uint64_t seed;
    const roma_adapter *a;
} adapter_values;

static void adapter_row_a(void *ctx, size_t i, uint32_t row, float *out) {
    const adapter_values *v = ctx;
    for (uint64_t k = 0; k < v->a->targets[i].cols; k++)
        out[k] = 0.2f * random_float(v->seed * 7919 + i * 1000 + row, k);
}
static void adapter_row_b(void *ctx, size_t i, uint64_t row, float *out) {
    const adapter_values *v = ctx;
    for (uint32_t k = 0; k < v->a->targets[i].rank; k++)
        out[k] = 0.2f * random_float(v->seed * 104729 + i * 100003 + row, k + 5000);
}

enum { ADAPTER_OUTER = 1 << ROMA_W_HEAD | 1 << ROMA_W_EMBED };

/* On the matrices whose role is in `roles` (bit r: role r; 0: those of the layers); matrix i gets rank + i * step.
 * dora: with factors around 1. */
static inline void adapter_random_as(roma_adapter *out, const roma_image *img, uint32_t type, uint32_t rank,
                                     uint32_t step, uint32_t roles, uint64_t seed, bool dora) {
    static roma_adapter_target targets[64];
    static float factor[1024];
    roma_adapter a = {.type = type, .name = "random", .note = "a test", .targets = targets};
    const adapter_values values = {seed, &a};
    const roma_adapter_source source = {(void *)(uintptr_t)&values, adapter_row_a, adapter_row_b};
    roma_error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/roma-test-lora-%d", (int)getpid());
    memcpy(a.base_id, img->base_id, 32);
    for (size_t i = 0; i < img->desc.n_tensors; i++) {
        const roma_image_tensor *t = &img->desc.tensors[i];
        uint64_t rows, cols;
        if (roles ? !(roles >> t->role & 1) : !roma_adapter_role(t->role)) continue;
        if (!roma_adapter_shape(&img->desc.hyper, t->role, &rows, &cols)) continue;
        CHECK(rows <= sizeof factor / sizeof *factor);
        const uint32_t r = rank + (uint32_t)a.n_targets * step;
        a.targets[a.n_targets++] = (roma_adapter_target){.role = t->role,
                                                         .layer = t->layer,
                                                         .rows = rows,
                                                         .cols = cols,
                                                         .rank = r,
                                                         .alpha = (float)r,
                                                         .scale = 1.0f,
                                                         .dora = dora,
                                                         .factor = dora ? factor : NULL};
    }
    for (size_t i = 0; i < sizeof factor / sizeof *factor; i++) factor[i] = 1 + 0.3f * random_float(seed, i);
    CHECK_EQ(roma_adapter_write(path, &a, &source, NULL, NULL, &err), 0);
    CHECK_EQ(roma_adapter_open(out, path, 0, &err), 0);
    unlink(path);
}

static inline void adapter_random(roma_adapter *out, const roma_image *img, uint32_t type, uint32_t rank, uint32_t step,
                                  uint32_t roles, uint64_t seed) {
    adapter_random_as(out, img, type, rank, step, roles, seed, false);
}

static inline uint32_t adapter_load(roma_exec *e, const roma_adapter *a) {
    roma_error err = {0};
    uint32_t id = UINT32_MAX;
    const int rc = roma_exec_adapter_load(e, a, 0, "a", &id, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    return id;
}

static inline void adapter_set(roma_exec *e, uint32_t set, uint32_t n, const uint32_t *ids, const float *factors) {
    roma_error err = {0};
    CHECK_EQ(roma_exec_adapter_set(e, set, ids, factors, n, &err), 0);
}

#endif
