/* A quantised model to an image: describes its tensors and cuts their rows into tiles. */
#include "roma/pack.h"

#include <assert.h>
#include <string.h>

typedef struct {
    const roma_model *m;
    roma_row row; /* room for the longest row */
    uint8_t *room;
} packer;

/* Everything of one row: codes, then four arrays of at most one u16 per 16 inputs each. */
static int take_row(packer *p, roma_error *err) {
    uint64_t cols = ROMA_STRIPE;
    for (size_t i = 0; i < p->m->n_tensors; i++)
        if (p->m->tensors[i].cols > cols) cols = p->m->tensors[i].cols;
    p->room = roma_alloc_array((size_t)cols, 2);
    if (!p->room)
        return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a row of %llu weights",
                         (unsigned long long)cols);
    uint16_t *scales = (uint16_t *)(void *)(p->room + cols);
    const size_t step = (size_t)cols / 16;
    p->row = (roma_row){.code = p->room,
                        .scale = scales,
                        .min = scales + step,
                        .super_scale = scales + 2 * step,
                        .super_min = scales + 3 * step};
    return ROMA_OK;
}

static void fill_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    packer *p = ctx;
    const roma_tensor *t = &p->m->tensors[tensor];
    const uint64_t first = tile * ROMA_TILE_ROWS;
    for (unsigned r = 0; r < ROMA_TILE_ROWS && first + r < t->rows; r++) {
        t->read_row(t, first + r, &p->row);
        roma_tile_put_row(&t->format, t->cols, out, r, &p->row);
    }
}

static void fill_vector(void *ctx, size_t tensor, float *out) {
    const packer *p = ctx;
    const roma_tensor *t = &p->m->tensors[tensor];
    t->read_floats(t, 0, out);
}

/* A model without a head uses its embedding: the image says so by a tie. */
static void add_tied_head(roma_description *d, const roma_model *m) {
    const roma_tensor *embed = roma_model_find(m, ROMA_W_EMBED, 0);
    assert(embed); /* roma_model_check has seen it */
    roma_image_tensor *head = &d->tensors[d->n_tensors++];
    *head = d->tensors[embed - m->tensors];
    head->role = ROMA_W_HEAD;
    head->tie = (int32_t)(embed - m->tensors);
}

static int describe(roma_description *d, const roma_model *m, roma_error *err) {
    *d = (roma_description){.hyper = m->hyper};
    memcpy(d->name, m->name, sizeof d->name);
    memcpy(d->license, m->license, sizeof d->license);
    d->tensors = roma_alloc_array(m->n_tensors + 1, sizeof *d->tensors);
    if (!d->tensors) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for the tensor table");
    for (; d->n_tensors < m->n_tensors; d->n_tensors++) {
        const roma_tensor *t = &m->tensors[d->n_tensors];
        const bool matrix = roma_tensor_role_is_matrix(t->role);
        if (matrix && t->is_float)
            return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE,
                             "%s of layer %u has no low-bit code; quantise the model first (--quant q8 or q4)",
                             roma_tensor_role_name(t->role), t->layer);
        d->tensors[d->n_tensors] = (roma_image_tensor){
            .role = t->role, .layer = t->layer, .rows = t->rows, .cols = t->cols, .is_vector = !matrix, .tie = -1};
        if (matrix) d->tensors[d->n_tensors].format = t->format;
    }
    if (!roma_model_find(m, ROMA_W_HEAD, 0)) add_tied_head(d, m);
    return ROMA_OK;
}

int roma_pack(const roma_model *m, const roma_vocab *vocab, const char *note, const char *path,
              const roma_progress *progress, roma_image_written *out, roma_error *err) {
    packer p = {.m = m};
    roma_description d = {0};
    const roma_tile_source source = {&p, fill_tile, fill_vector};
    int code = roma_model_check(m, NULL, err);
    if (!code) code = describe(&d, m, err);
    if (!code) code = take_row(&p, err);
    if (!code) code = roma_image_write(path, &d, vocab, note, &source, progress, out, err);
    roma_free(d.tensors);
    roma_free(p.room);
    return code;
}
