/* What the tensors of an image must be: order, completeness, shapes, formats, ties, sizes ("TENS", "DATA"). */
#include "image/internal.h"

#include <string.h>

static const uint8_t layer_order[] = {
    ROMA_W_ATTN_NORM, ROMA_W_Q,         ROMA_W_K,      ROMA_W_V,       ROMA_W_Q_BIAS, ROMA_W_K_BIAS,
    ROMA_W_V_BIAS,    ROMA_W_Q_NORM,    ROMA_W_K_NORM, ROMA_W_O,       ROMA_W_O_BIAS, ROMA_W_FFN_NORM,
    ROMA_W_GATE,      ROMA_W_GATE_BIAS, ROMA_W_UP,     ROMA_W_UP_BIAS, ROMA_W_DOWN,   ROMA_W_DOWN_BIAS,
};
#define PER_LAYER (sizeof layer_order)

size_t roma_image_order_count(const roma_hyper *h) { return h->layers * PER_LAYER + 3; }

void roma_image_order_at(const roma_hyper *h, size_t i, uint32_t *role, uint32_t *layer) {
    size_t in_layers = h->layers * PER_LAYER;
    *layer = 0;
    if (i == 0) {
        *role = ROMA_W_EMBED;
    } else if (i <= in_layers) {
        *layer = (uint32_t)((i - 1) / PER_LAYER);
        *role = layer_order[(i - 1) % PER_LAYER];
    } else {
        *role = i == in_layers + 1 ? ROMA_W_FINAL_NORM : ROMA_W_HEAD;
    }
}

static const char *place(char buf[64], uint32_t role, uint32_t layer) {
    const char *name = roma_tensor_role_name(role);
    if (roma_tensor_role_is_layered(role))
        roma_print(buf, 64, "layer %u: %s", layer, name);
    else if (name)
        roma_print(buf, 64, "%s", name);
    else
        roma_print(buf, 64, "role %u", role);
    return buf;
}

const char *roma_image_tensor_place(char buf[64], const roma_image_tensor *t) { return place(buf, t->role, t->layer); }

void roma_description_size(const roma_description *d, uint64_t *params, double *bits_per_weight) {
    uint64_t weights = 0, bytes = 0;
    *params = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        if (t->tie >= 0) continue;
        *params += t->is_vector ? t->cols : t->rows * t->cols;
        if (t->is_vector) continue;
        weights += t->rows * t->cols;
        bytes += t->bytes;
    }
    *bits_per_weight = weights ? (double)bytes * 8 / (double)weights : 0;
}

const roma_image_tensor *roma_description_find(const roma_description *d, uint32_t role, uint32_t layer) {
    for (size_t i = 0; i < d->n_tensors; i++)
        if (d->tensors[i].role == role && d->tensors[i].layer == layer) return &d->tensors[i];
    return NULL;
}

/* ---- checks ---- */

typedef struct {
    const roma_description *d;
    const char *file;
    roma_error *err;
} checker;

static int fail(const checker *c, int code, const roma_image_tensor *t, const char *text) {
    char at[64];
    return roma_fail(c->err, code, c->file, ROMA_NOWHERE, "%s: %s", roma_image_tensor_place(at, t), text);
}

/* Tensors of one tie compute the same only if they are read the same way. */
static int check_tie(const checker *c, const roma_image_tensor *t) {
    if (t->is_vector) return fail(c, ROMA_EINPUT, t, "a vector cannot be tied");
    /* As an index: a pointer formed from a hostile tie would lie outside the array. */
    if (t->tie < 0 || (size_t)t->tie >= (size_t)(t - c->d->tensors))
        return fail(c, ROMA_EINPUT, t, "the tie names no earlier tensor");
    const roma_image_tensor *to = &c->d->tensors[t->tie];
    if (to->tie >= 0 || to->is_vector) return fail(c, ROMA_EINPUT, t, "the tie names a vector or another tied tensor");
    if (to->rows != t->rows || to->cols != t->cols || memcmp(&to->format, &t->format, sizeof t->format) != 0)
        return fail(c, ROMA_EINPUT, t, "shape or format differs from the tensor it is tied to");
    return ROMA_OK;
}

static int check_matrix(const checker *c, const roma_image_tensor *t) {
    roma_error why;
    int code = roma_format_check(&t->format, t->cols, &why);
    return code ? fail(c, code, t, why.text) : ROMA_OK;
}

static int check_tensor(const checker *c, const roma_image_tensor *t) {
    uint64_t rows, cols;
    char text[128];
    if (!roma_hyper_shape(&c->d->hyper, t->role, &rows, &cols))
        return fail(c, ROMA_EINPUT, t, "the architecture has no such tensor");
    if (t->rows != rows || t->cols != cols) {
        roma_print(text, sizeof text, "is %llu x %llu, expected %llu x %llu", (unsigned long long)t->rows,
                   (unsigned long long)t->cols, (unsigned long long)rows, (unsigned long long)cols);
        return fail(c, ROMA_EINPUT, t, text);
    }
    if (t->is_vector == roma_tensor_role_is_matrix(t->role))
        return fail(c, ROMA_EINPUT, t, "matrix and vector confused");
    if (t->act_group) return fail(c, ROMA_EUNSUPPORTED, t, "activation groups are not known to this version");
    int code = t->is_vector ? ROMA_OK : check_matrix(c, t);
    return code || t->tie == -1 ? code : check_tie(c, t);
}

/* Walks the order of execution beside the tensors: who is absent must be optional, and nobody may be left over. */
static int check_order(const checker *c) {
    const roma_description *d = c->d;
    size_t next = 0;
    char at[64];
    for (size_t i = 0; i < roma_image_order_count(&d->hyper); i++) {
        uint32_t role, layer;
        roma_image_order_at(&d->hyper, i, &role, &layer);
        if (next < d->n_tensors && d->tensors[next].role == role && d->tensors[next].layer == layer)
            next++;
        else if (roma_hyper_required(&d->hyper, role))
            return roma_fail(c->err, ROMA_EINPUT, c->file, ROMA_NOWHERE, "%s is missing or out of order",
                             place(at, role, layer));
    }
    if (next == d->n_tensors) return ROMA_OK;
    return roma_fail(c->err, ROMA_EINPUT, c->file, ROMA_NOWHERE,
                     "tensor %zu (%s) is unknown, out of order or there twice", next,
                     roma_image_tensor_place(at, &d->tensors[next]));
}

int roma_image_check_tensors(const roma_description *d, const char *file, roma_error *err) {
    checker c = {d, file, err};
    int code = check_order(&c);
    for (size_t i = 0; !code && i < d->n_tensors; i++) code = check_tensor(&c, &d->tensors[i]);
    return code ? code : roma_image_check_orders(d, file, err);
}

/* ---- sizes ---- */

void roma_image_tensor_size(const roma_image_tensor *t, uint64_t *bytes, uint64_t *tile_bytes) {
    *tile_bytes = 0;
    *bytes = t->cols * 4;
    if (t->is_vector) return;
    roma_tile_layout at;
    roma_tile_layout_get(&t->format, t->cols, &at);
    *tile_bytes = at.bytes;
    /* No overflow: rows < 2^23 and cols <= 2^24 bound this by 2^49. */
    *bytes = roma_tiles(t->rows) * at.bytes;
}

size_t roma_image_tile_used(const roma_image_tensor *t) {
    roma_tile_layout at;
    roma_tile_layout_get(&t->format, t->cols, &at);
    return at.used;
}

/* ---- values ---- */

static bool f16s_finite(const uint8_t *p, size_t n) {
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) bad |= (roma_le16(p + 2 * i) & 0x7c00) == 0x7c00;
    return !bad;
}

static bool f32s_finite(const uint8_t *p, uint64_t n) {
    unsigned bad = 0;
    for (uint64_t i = 0; i < n; i++) bad |= (roma_le32(p + 4 * i) & 0x7f800000u) == 0x7f800000u;
    return !bad;
}

bool roma_image_tile_finite(const roma_image_tensor *t, const uint8_t *tile) {
    roma_tile_layout at;
    roma_tile_layout_get(&t->format, t->cols, &at);
    if (t->format.scale == ROMA_SCALE_F32) return f32s_finite(tile + at.scale, (at.min - at.scale) / 4);
    if (!f16s_finite(tile + at.super_scale, (at.zeros - at.super_scale) / 2)) return false;
    return t->format.scale != ROMA_SCALE_F16 || f16s_finite(tile + at.scale, (at.super_scale - at.scale) / 2);
}

bool roma_image_vector_finite(const roma_image_tensor *t, const uint8_t *data) { return f32s_finite(data, t->cols); }
