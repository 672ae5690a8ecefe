/* A quantised model to an image: describes its tensors and cuts their rows into tiles. */
#include "roma/pack.h"

#include <assert.h>
#include <string.h>

typedef struct {
    const roma_model *m;
    const roma_pack_options *how;
    roma_pack_loss *tile; /* of each tile of the matrix being written */
    uint64_t tiles;       /* room for so many */
} packer;

/* The row stands on the stack, at most 1 MiB (roma_hyper_check bounds cols by 262144): many threads fill tiles. */
static void fill_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const packer *p = ctx;
    const roma_tensor *t = &p->m->tensors[tensor];
    const uint64_t first = tile * ROMA_TILE_ROWS;
    uint8_t code[t->cols];
    uint16_t words[4][t->cols / 16 + 1]; /* a scale for 16 inputs, at most */
    float scale32[t->cols / 16 + 1];
    uint8_t zeros[t->cols / 16 + 1];
    const roma_row row = {code, words[0], words[1], words[2], words[3], scale32, zeros};
    for (unsigned r = 0; r < ROMA_TILE_ROWS && first + r < t->rows; r++) {
        t->read_row(t, first + r, &row);
        roma_tile_put_row(&t->format, t->cols, out, r, &row);
    }
}

static void fill_vector(void *ctx, size_t tensor, float *out) {
    const packer *p = ctx;
    const roma_tensor *t = &p->m->tensors[tensor];
    t->read_floats(t, 0, out);
}

/* ---- what rounding cost ---- */

static void see_tile(void *ctx, size_t tensor, uint64_t tile, const uint8_t *in) {
    const packer *p = ctx;
    const roma_tensor *t = &p->m->tensors[tensor];
    if (!t->read_source || !p->tile) return;
    float was[t->cols], is[t->cols];
    roma_pack_loss sum = {0};
    for (unsigned r = 0; r < ROMA_TILE_ROWS && tile * ROMA_TILE_ROWS + r < t->rows; r++) {
        t->read_source(t, tile * ROMA_TILE_ROWS + r, was);
        roma_tile_dequant_row(&t->format, t->cols, in, r, is);
        for (uint64_t i = 0; i < t->cols; i++) {
            const double w = (double)was[i], d = (double)is[i] - w;
            sum.error += d * d;
            sum.weight += w * w;
            if (d > sum.most || -d > sum.most) sum.most = d < 0 ? -d : d;
        }
    }
    p->tile[tile] = sum;
}

static int begin_matrix(void *ctx, size_t tensor, roma_error *err) {
    const packer *p = ctx;
    roma_tensor *t = &p->m->tensors[tensor];
    return t->begin ? t->begin(t, p->how->team, err) : ROMA_OK;
}

/* A source that is larger than the memory is forgotten matrix by matrix. */
static void end_matrix(void *ctx, size_t tensor) {
    const packer *p = ctx;
    roma_tensor *t = &p->m->tensors[tensor];
    if (t->end) t->end(t);
    if (t->read_source && p->tile) {
        roma_pack_loss *loss = &p->how->loss[tensor];
        *loss = (roma_pack_loss){.rounded = true};
        for (uint64_t i = 0; i < (t->rows + ROMA_TILE_ROWS - 1) / ROMA_TILE_ROWS; i++) {
            loss->error += p->tile[i].error;
            loss->weight += p->tile[i].weight;
            if (p->tile[i].most > loss->most) loss->most = p->tile[i].most;
        }
    }
    if (t->mapped) roma_map_forget(t->data, (t->true_rows ? t->true_rows : t->rows) * t->row_bytes);
}

static int take_room(packer *p, roma_error *err) {
    for (size_t i = 0; i < p->m->n_tensors; i++) {
        const roma_tensor *t = &p->m->tensors[i];
        const uint64_t tiles = (t->rows + ROMA_TILE_ROWS - 1) / ROMA_TILE_ROWS;
        if (t->read_source && tiles > p->tiles) p->tiles = tiles;
    }
    if (!p->how->loss || !p->tiles) return ROMA_OK;
    p->tile = roma_alloc_array((size_t)p->tiles, sizeof *p->tile);
    return p->tile ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for the sums of a matrix");
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

int roma_pack_describe(roma_description *d, const roma_model *m, roma_error *err) {
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
                             "%s of layer %u has no low-bit code; quantise the model first (--quant or --method)",
                             roma_tensor_role_name(t->role), t->layer);
        d->tensors[d->n_tensors] = (roma_image_tensor){
            .role = t->role, .layer = t->layer, .rows = t->rows, .cols = t->cols, .is_vector = !matrix, .tie = -1};
        if (matrix) d->tensors[d->n_tensors].format = t->format;
        if (matrix) d->tensors[d->n_tensors].order = t->order;
    }
    if (!roma_model_find(m, ROMA_W_HEAD, 0)) add_tied_head(d, m);
    return ROMA_OK;
}

int roma_pack(const roma_model *m, const roma_vocab *vocab, const char *note, const char *path,
              const roma_pack_options *how, const roma_progress *progress, roma_image_written *out, roma_error *err) {
    static const roma_pack_options plain;
    packer p = {.m = m, .how = how ? how : &plain};
    roma_description d = {0};
    roma_tile_source source = {.ctx = &p,
                               .tile = fill_tile,
                               .vector = fill_vector,
                               .team = p.how->team,
                               .see = see_tile,
                               .begin = begin_matrix,
                               .complete = end_matrix,
                               .report = p.how->report,
                               .report_ctx = p.how->ctx,
                               .resume = p.how->resume};
    memcpy(source.job, p.how->job, sizeof source.job);
    int code = roma_model_check(m, NULL, err);
    if (!code) code = roma_pack_describe(&d, m, err);
    if (!code) code = take_room(&p, err);
    if (!code) code = roma_image_write(path, &d, vocab, note, &source, progress, out, err);
    for (size_t i = 0; i < m->n_tensors; i++) /* one that an error left */
        if (m->tensors[i].end) m->tensors[i].end(&m->tensors[i]);
    roma_free(d.tensors);
    roma_free(p.tile);
    return code;
}
