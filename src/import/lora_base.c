/* Adapters beside the base's own weights, which are read row by row as the image holds them. */
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
