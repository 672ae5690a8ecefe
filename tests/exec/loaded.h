/* A random model, opened, with its plan: what the tests of sequences and batches run. */
#ifndef LOADED_H
#define LOADED_H

#include <unistd.h>

#include "../test.h"
#include "random_model.h"
#include "roma/exec.h"
#include "roma/map.h"

enum { VOCAB = 200 };

typedef struct {
    roma_image img;
    roma_plan plan;
} loaded;

enum { LOAD_ORDERED = 1 << 16 }; /* beside the architecture: columns in other orders (random_model_order) */

static inline void load_as(loaded *m, uint32_t arch, roma_format f, uint64_t seed) {
    random_model *r = calloc(1, sizeof *r);
    roma_error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/roma-test-loaded-%d.roma", (int)getpid());
    random_model_init(r, arch & ~(uint32_t)LOAD_ORDERED, f, seed);
    if (arch & LOAD_ORDERED) random_model_order(r);
    CHECK_EQ(random_model_write(r, path, &err), 0);
    free(r);
    CHECK_EQ(roma_image_open(&m->img, path, 0, NULL, &err), 0);
    CHECK_EQ(roma_map_plan(&m->plan, &m->img.desc, &err), 0);
    unlink(path);
}

static inline void load(loaded *m, uint64_t seed) {
    load_as(m, ROMA_ARCH_LLAMA, (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32},
            seed);
}

static inline void unload(loaded *m) {
    roma_plan_destroy(&m->plan);
    roma_image_close(&m->img);
}

static inline roma_exec *engine(const loaded *m, roma_exec_config cfg) {
    roma_exec *e;
    roma_error err = {0};
    int rc = roma_exec_create(&e, &m->img, &m->plan, &cfg, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    return e;
}

#endif
