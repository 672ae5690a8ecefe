/* Where the reference's weights come from: the codes of an image, or the source of a model. */
#include "ref/internal.h"

static const void *image_find(const void *from, uint32_t role, uint32_t layer) {
    return roma_description_find(&((const roma_image *)from)->desc, role, layer);
}

static void image_row(const void *tensor, uint64_t r, float *out) {
    const roma_image_tensor *t = tensor;
    if (t->is_vector) {
        memcpy(out, t->data, (size_t)t->cols * sizeof *out);
        return;
    }
    float row[t->cols]; /* at most 1 MiB */
    float *to = t->order ? row : out;
    roma_tile_dequant_row(&t->format, t->cols, t->data + r / ROMA_TILE_ROWS * t->tile_bytes,
                          (unsigned)(r % ROMA_TILE_ROWS), to);
    if (t->order) roma_order_undo(t->order, row, t->cols, out);
}

roma_ref_weights roma_ref_image(const roma_image *image) {
    return (roma_ref_weights){&image->desc.hyper, image, image_find, image_row};
}

static const void *model_find(const void *from, uint32_t role, uint32_t layer) {
    return roma_model_find(from, role, layer);
}

static void model_row(const roma_tensor *t, bool is_source, uint64_t r, float *out) {
    float row[t->cols];
    float *to = t->order ? row : out;
    (is_source && t->read_source ? t->read_source : t->read_floats)(t, r, to);
    if (t->order) roma_order_undo(t->order, row, t->cols, out);
}

static void source_row(const void *tensor, uint64_t r, float *out) { model_row(tensor, true, r, out); }
static void form_row(const void *tensor, uint64_t r, float *out) {
    const roma_tensor *t = tensor;
    model_row(t, !t->form, r, out);
}
static void packed_row(const void *tensor, uint64_t r, float *out) { model_row(tensor, false, r, out); }

roma_ref_weights roma_ref_model(const roma_model *model, roma_ref_values values) {
    static void (*const row[])(const void *, uint64_t, float *) = {
        [ROMA_REF_SOURCE] = source_row, [ROMA_REF_FORM] = form_row, [ROMA_REF_IMAGE] = packed_row};
    return (roma_ref_weights){&model->hyper, model, model_find, row[values]};
}
