/* A placement's memory. */
#include "place_int.h"

#include <string.h>

int roma_place_create(roma_placement *p, roma_error *err) {
    p->tensors = roma_alloc_array(p->plan->desc->n_tensors, sizeof *p->tensors);
    p->die_words = roma_alloc_array(p->dies, sizeof *p->die_words);
    p->die_vector_words = roma_alloc_array(p->dies, sizeof *p->die_vector_words);
    if (!p->tensors || !p->die_words || !p->die_vector_words) {
        roma_place_destroy(p);
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the placement");
    }
    roma_place_derive(p);
    return ROMA_OK;
}

int roma_place_copy(roma_placement *out, const roma_placement *p, roma_error *err) {
    *out = *p;
    return roma_place_create(out, err);
}

void roma_place_destroy(roma_placement *p) {
    roma_free(p->tensors);
    roma_free(p->die_words);
    roma_free(p->die_vector_words);
    memset(p, 0, sizeof *p);
}
