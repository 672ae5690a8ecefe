/* Adapters beside the base's own weights, which are read row by row as the image holds them. */
#include <math.h>
#include "lora.h"

/* Weights of a matrix; NULL in a description without any. */
static const roma_image_tensor *weights_of(const roma_description *d, uint32_t role, uint32_t layer) {
    const roma_image_tensor *t = roma_description_find(d, role, layer);
    if (t && t->tie >= 0) t = &d->tensors[t->tie];
    return t && t->data ? t : NULL;
}

static void read_row(const roma_image_tensor *t, uint64_t row, float *out) {
    roma_tile_dequant_row(&t->format, t->cols, t->data + row / ROMA_TILE_ROWS * t->tile_bytes,
                          (unsigned)(row % ROMA_TILE_ROWS), out);
}

static bool is_near(const roma_image_tensor *w, const st_tensor *t, float *own, float *other) {
    const import_type *type = roma_import_type_get(t->type);
    double all = 0, apart = 0;
    for (uint64_t r = 0; r < t->dim[0]; r++) {
        read_row(w, r, own);
        type->floats(t->data + r * t->dim[1] * type->bytes, t->dim[1], other);
        for (uint64_t i = 0; i < t->dim[1]; i++) {
            const double d = (double)other[i] - (double)own[i];
            all += (double)own[i] * (double)own[i];
            apart += d * d;
        }
    }
    return apart < all / 4;
}

bool roma_import_lora_is_base(const lora_build *b, unsigned slot, const st_tensor *t) {
    const uint32_t role = slot == LORA_HEAD ? ROMA_W_HEAD : ROMA_W_EMBED;
    const roma_image_tensor *w = weights_of(b->base, role, 0);
    uint64_t rows, cols;
    if (!w || !roma_hyper_true_shape(&b->base->hyper, role, &rows, &cols) || t->dim[0] != rows || t->dim[1] != cols)
        return false;
    float *room = roma_alloc_array(w->cols + cols, sizeof *room);
    const bool near = room && is_near(w, t, room, room + w->cols);
    roma_free(room);
    return near;
}

/* ---- factors of DoRA ---- */

/* Rows of W that something is added to: of a matrix its own; of the embedding those of the tokens, while its factors
 * are for columns, as are what is added to it and B's rows. */
typedef struct {
    const roma_image_tensor *w;
    uint32_t rank;
    uint64_t n; /* elements of a row of W */
    double scale;
    double *added;  /* rank rows of n: A; of the embedding the columns of B */
    double *sum;    /* n: a row of W + scale B A */
    double *square; /* for each factor: of its row */
    float *row;
    float *other; /* the embedding: all of A, rank rows of `tokens` */
    uint64_t tokens;
} norms;

/* sum := row of W + sum over k of scale by[k * stride] added[k]. */
static void change_row(const norms *m, uint64_t row, const float *by, size_t stride) {
    read_row(m->w, row, m->row);
    for (uint64_t i = 0; i < m->n; i++) m->sum[i] = (double)m->row[i];
    for (uint32_t k = 0; k < m->rank; k++) {
        const double *x = m->added + k * m->n, c = m->scale * (double)by[k * stride];
        for (uint64_t i = 0; i < m->n; i++) m->sum[i] += c * x[i];
    }
}

static void norms_of_matrix(const norms *m, const lora_pair *p, float *b) {
    for (uint32_t k = 0; k < m->rank; k++) {
        roma_import_lora_row(p, false, k, m->row);
        for (uint64_t i = 0; i < m->n; i++) m->added[k * m->n + i] = (double)m->row[i];
    }
    for (uint64_t r = 0; r < p->b.rows; r++) {
        roma_import_lora_row(p, true, r, b);
        change_row(m, r, b, 1);
        for (uint64_t i = 0; i < m->n; i++) m->square[r] += m->sum[i] * m->sum[i];
    }
}

static void norms_of_embedding(const norms *m, const lora_pair *p, float *b) {
    for (uint64_t h = 0; h < p->b.rows; h++) {
        roma_import_lora_row(p, true, h, b);
        for (uint32_t k = 0; k < m->rank; k++) m->added[k * m->n + h] = (double)b[k];
    }
    for (uint32_t k = 0; k < m->rank; k++) roma_import_lora_row(p, false, k, m->other + k * p->a.cols);
    for (uint64_t t = 0; t < m->tokens; t++) {
        change_row(m, t, m->other + t, p->a.cols);
        for (uint64_t h = 0; h < m->n; h++) m->square[h] += m->sum[h] * m->sum[h];
    }
}

static int divide(const lora_build *b, const norms *m, lora_pair *p, const char *name) {
    const import_type *type = roma_import_type_get(p->magnitude.type);
    for (uint64_t r = 0; r < p->b.rows; r++) {
        uint64_t from;
        float magnitude;
        p->factor[r] = 1;
        if (!roma_tensor_source_row(&p->b, r, &from) || !(m->square[r] > 0)) continue;
        type->floats(p->magnitude.data + from * type->bytes, 1, &magnitude);
        const double factor = (double)magnitude / sqrt(m->square[r]);
        if (!(factor > -1e30 && factor < 1e30))
            return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                             "%s: the magnitude of row %llu is too large for the base's row", name,
                             (unsigned long long)from);
        p->factor[r] = (float)factor;
    }
    return ROMA_OK;
}

int roma_import_lora_factors(const lora_build *b, lora_pair *p, float scale, const char *name) {
    const bool embeds = p->b.role == ROMA_W_EMBED;
    norms m = {.w = weights_of(b->base, p->b.role, p->b.layer), .rank = (uint32_t)p->a.rows, .scale = (double)scale};
    if (!m.w)
        return roma_fail(b->err, ROMA_EUSAGE, b->path, ROMA_NOWHERE,
                         "DoRA's factors need the base's weights; give its image");
    m.n = m.w->cols;
    m.tokens = b->base->hyper.vocab;
    float by[ROMA_ADAPTER_RANK_MAX];
    m.added = roma_alloc_array(m.rank * m.n, sizeof *m.added);
    m.sum = roma_alloc_array(m.n, sizeof *m.sum);
    m.square = roma_alloc_array(p->b.rows, sizeof *m.square);
    m.row = roma_alloc_array(m.n, sizeof *m.row);
    m.other = roma_alloc_array(embeds ? m.rank * p->a.cols : 1, sizeof *m.other);
    p->factor = roma_alloc_array(p->b.rows, sizeof *p->factor);
    int rc = ROMA_OK;
    if (!m.added || !m.sum || !m.square || !m.row || !m.other || !p->factor)
        rc = roma_fail(b->err, ROMA_ENOMEM, b->path, ROMA_NOWHERE, "no memory for DoRA's factors");
    if (!rc) (embeds ? norms_of_embedding : norms_of_matrix)(&m, p, by);
    if (!rc) rc = divide(b, &m, p, name);
    roma_free(m.added);
    roma_free(m.sum);
    roma_free(m.square);
    roma_free(m.row);
    roma_free(m.other);
    return rc;
}
