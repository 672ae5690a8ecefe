/* Opens a model and a chip without weights; contract in design.h. */
#include "design.h"

#include <string.h>

roma_workload default_workload(void) {
    return (roma_workload){.prompt = 256, .batch = 1, .rank = 16, .adapters = 1, .chips = 1, .toggle = 1};
}

int design_chip(roma_chip *chip, const design_config *c, roma_error *err) {
    int rc = roma_chip_open(chip, c->chip, err);
    for (size_t i = 0; !rc && i < c->set.n; i++) rc = roma_chip_set(chip, c->set.item[i], err);
    return rc ? rc : roma_chip_check(chip, c->chip ? c->chip : "roma", err);
}

int design_open(design *d, const design_config *c, const char *image, roma_error *err) {
    memset(d, 0, sizeof *d);
    if (!image == !c->shape)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "give an image or --shape NAME, one of them");
    if (image && (c->bits || c->group || c->head_bits))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "--bits, --group and --head-bits belong to --shape; an image has its own");
    int rc = design_chip(&d->chip, c, err);
    if (!rc && c->shape) {
        const roma_shape_format f = {c->bits, c->group, c->head_bits};
        rc = roma_shape_describe(&d->shape, c->shape, &f, err);
        d->has_shape = !rc;
        d->desc = &d->shape;
    } else if (!rc) {
        rc = image_open(&d->image, image, true, 1, err);
        d->has_image = !rc;
        d->desc = &d->image.desc;
    }
    if (!rc) rc = roma_map_plan(&d->plan, d->desc, &d->chip, err);
    d->has_plan = !rc;
    if (rc) design_close(d);
    return rc;
}

void design_close(design *d) {
    if (d->has_plan) roma_plan_destroy(&d->plan);
    if (d->has_image) roma_image_close(&d->image);
    if (d->has_shape) roma_shape_destroy(&d->shape);
    memset(d, 0, sizeof *d);
}

int write_buf(roma_buf *b, const char *path, roma_error *err) {
    roma_outfile f;
    int rc = ROMA_OK;
    if (b->failed) {
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the output");
    } else if (strcmp(path, "-") == 0) {
        fwrite(b->data, 1, b->len, stdout);
        fflush(stdout); /* in its place before what is printed, or goes to /dev/stdout, next */
    } else if (!(rc = roma_outfile_open(&f, path, err))) {
        rc = roma_outfile_write(&f, b->data, b->len, err);
        if (rc)
            roma_outfile_abort(&f);
        else
            rc = roma_outfile_commit(&f, err);
    }
    roma_buf_destroy(b);
    return rc;
}
