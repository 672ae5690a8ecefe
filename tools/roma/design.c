/* From the options of a model and a chip to a design; contract in design.h. */
#include "design.h"

int design_asked(roma_design_config *c, const design_options *o, const char *image, roma_error *err) {
    *c = o->config;
    c->image = image;
    c->set = o->set.item;
    c->n_set = o->set.n;
    if (!image == !c->shape)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "give an image or --shape SHAPE, one of them");
    if (!image) roma_design_name(c->shape, &c->shape, &c->image);
    if (c->image && (c->format.bits || c->format.group || c->format.head_bits))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "--bits, --group and --head-bits belong to --shape; an image has its own");
    return ROMA_OK;
}

int design_open(roma_design *d, const design_options *o, const char *image, roma_error *err) {
    roma_design_config c;
    const int rc = design_asked(&c, o, image, err);
    return rc ? rc : roma_design_open(d, &c, err);
}
