/* Shapes as descriptions without weights. */
#include "roma/image.h"

/* One constant zero point in the middle, as QLoRA bases have; 8-bit codes are signed already, ternary ones are 0 to 2.
 */
static roma_format format(uint32_t bits, uint32_t group, bool ternary) {
    return (roma_format){.bits = (uint8_t)bits,
                         .scale = ROMA_SCALE_F16,
                         .group = (uint16_t)group,
                         .zero = (int16_t)(bits == 2 && ternary ? 1
                                           : bits < 8           ? 1 << (bits - 1)
                                                                : 0)};
}

/* Any format of an image, and codes of 1 bit, which no image has: a group of these begins with whole 32 bits of a row,
 * and all else is as with 2. */
static int check_format(const roma_format *f, uint64_t cols, roma_error *err) {
    roma_format like = *f;
    if (f->bits == 1 && f->group < 32)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "codes of 1 bit need groups of 32 and more, not %u",
                         f->group);
    if (f->bits == 1) like.bits = 2;
    return roma_format_check(&like, cols, err);
}

/* Appends every tensor of the shape. */
static int add_tensors(roma_description *d, const roma_shape *s, const roma_shape_format *f, roma_error *err) {
    const bool tied = s->tied;
    for (uint32_t role = 1; role < ROMA_W_END; role++) {
        if (!roma_shape_has(s, role)) continue;
        const bool head = role == ROMA_W_HEAD || (role == ROMA_W_EMBED && tied);
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? d->hyper.layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            roma_hyper_shape(&d->hyper, role, &t.rows, &t.cols);
            if (!t.is_vector) {
                roma_tile_layout lay;
                t.format = format(head ? f->head_bits : f->bits, f->group, s->ternary);
                int rc = check_format(&t.format, t.cols, err);
                if (rc) return rc;
                roma_tile_layout_get(&t.format, t.cols, &lay);
                t.tile_bytes = lay.bytes;
            }
            d->tensors[d->n_tensors++] = t;
        }
    }
    return ROMA_OK;
}

int roma_shape_lay_out(roma_description *d, const roma_shape *s, const roma_shape_format *f, roma_error *err) {
    const uint32_t bits = f->bits ? f->bits : s->bits;
    const roma_shape_format g = {bits, f->group ? f->group : s->group, f->head_bits ? f->head_bits : bits};
    memset(d, 0, sizeof *d);
    if (g.bits > 8 || g.head_bits > 8 || g.group > 256)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "codes have 1, 2, 3, 4, 5, 6 or 8 bits, groups 16 to 256 inputs");
    d->hyper = s->hyper;
    memcpy(d->name, s->name, sizeof d->name);
    d->tensors = roma_alloc_array((size_t)ROMA_W_END * s->hyper.layers, sizeof *d->tensors);
    if (!d->tensors) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the shape");
    int rc = add_tensors(d, s, &g, err);
    if (rc) roma_shape_destroy(d);
    return rc;
}

int roma_shape_describe(roma_description *d, const char *name, const roma_shape_format *f, roma_error *err) {
    roma_shape s;
    memset(d, 0, sizeof *d);
    const int rc = roma_shape_read(&s, name, err);
    return rc ? rc : roma_shape_lay_out(d, &s, f, err);
}

void roma_shape_destroy(roma_description *d) {
    roma_free(d->tensors);
    memset(d, 0, sizeof *d);
}
