/* Opens a model and a chip without weights; contract in design.h. */
#include "roma/design.h"
#include "roma/exec.h"

#include <string.h>
#include <sys/stat.h>

static bool is_shape(const char *name) {
    for (unsigned i = 0; roma_shape_name(i); i++)
        if (strcmp(name, roma_shape_name(i)) == 0) return true;
    return false;
}

void roma_design_name(const char *name, const char **shape, const char **image) {
    struct stat st;
    const char *equals = strchr(name, '='), *slash = strchr(name, '/');
    const bool is_path = stat(name, &st) == 0 || (slash && !(equals && equals < slash));
    const bool path = !is_shape(name) && is_path && !roma_shape_is_config(name);
    *shape = path ? NULL : name;
    *image = path ? name : NULL;
}

int roma_design_chip(roma_chip *chip, const roma_design_config *c, roma_error *err) {
    int rc = ROMA_OK;
    if (c->made)
        *chip = *c->made;
    else
        rc = roma_chip_open(chip, c->chip, err);
    for (size_t i = 0; !rc && i < c->n_set; i++) rc = roma_chip_set(chip, c->set[i], err);
    return rc ? rc : roma_chip_check(chip, c->chip ? c->chip : chip->name, err);
}

int roma_design_kv(roma_kv *out, const char *name, roma_error *err) {
    const roma_kv_format *f = roma_kv_find(name);
    if (!f)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "the cache has no format '%.20s'; it has %s (--kv)", name,
                         roma_kv_names());
    *out = (roma_kv)(f - roma_kv_formats);
    return ROMA_OK;
}

static int check(const roma_design_config *c, roma_error *err) {
    if (!c->image == !c->shape)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "give an image or a shape, one of them");
    if (c->image && (c->format.bits || c->format.group || c->format.head_bits))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "bits and groups belong to a shape; an image has its own");
    if (c->dies > ROMA_DESIGN_DIES_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "dies must be 1 to %d, not %u", ROMA_DESIGN_DIES_MAX,
                         c->dies);
    return ROMA_OK;
}

/* No weights are read, and no checksums of them. */
static int open_model(roma_design *d, const roma_design_config *c, roma_error *err) {
    int rc;
    if (c->shape) {
        rc = roma_shape_describe(&d->shape, c->shape, &c->format, err);
        d->has_shape = !rc;
        d->desc = &d->shape;
    } else {
        rc = roma_image_open(&d->image, c->image, ROMA_IMAGE_NO_VERIFY, NULL, err);
        d->has_image = !rc;
        d->desc = &d->image.desc;
    }
    return rc;
}

int roma_design_open(roma_design *d, const roma_design_config *c, roma_error *err) {
    roma_chip chip;
    roma_kv kv = ROMA_KV_INT8;
    memset(d, 0, sizeof *d);
    int rc = check(c, err);
    if (!rc) rc = roma_design_kv(&kv, c->kv, err);
    if (!rc) rc = roma_design_chip(&chip, c, err);
    if (!rc) rc = open_model(d, c, err);
    if (!rc) rc = roma_map_plan(&d->plan, d->desc, err);
    d->has_plan = !rc;
    if (!rc) rc = roma_map_place(&d->place, &d->plan, &chip, c->dies ? c->dies : 1, err);
    if (rc)
        roma_design_close(d);
    else
        d->place.kv = kv;
    return rc;
}

void roma_design_close(roma_design *d) {
    roma_place_destroy(&d->place);
    if (d->has_plan) roma_plan_destroy(&d->plan);
    if (d->has_image) roma_image_close(&d->image);
    if (d->has_shape) roma_shape_destroy(&d->shape);
    memset(d, 0, sizeof *d);
}

uint64_t roma_design_activations(const roma_plan *p, uint32_t rows, uint32_t sequences) {
    const uint32_t running = sequences < ROMA_EXEC_ROWS_MAX ? sequences : ROMA_EXEC_ROWS_MAX;
    /* Vector units of a byte hold no row, so that the engine takes the fewest. */
    const roma_exec_config c = {.threads = 1,
                                .sequences = running,
                                .rows = roma_exec_rows(rows, running),
                                .logit_rows = running,
                                .vector_bytes = 1};
    roma_exec_memory m;
    return roma_exec_fit(p, &c, &m, NULL) ? 0 : m.activations;
}

void roma_design_size(const roma_design *d, double *weights, double *bytes) {
    *weights = *bytes = 0;
    for (size_t i = 0; i < d->plan.n_ops; i++) {
        const roma_image_tensor *t = roma_op_matrix(&d->plan, &d->plan.ops[i]);
        if (!t) continue;
        *weights += (double)(t->rows * t->cols);
        *bytes += (double)t->rows * (double)t->tile_bytes / ROMA_TILE_ROWS;
    }
}
