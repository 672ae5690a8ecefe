/* Image description and chip to plan: the family's lowering makes the operations, and the chip gets its words. */
#include "build.h"

#include <string.h>

/* ROM words an L-Unit needs: every code and scale bit of every stored matrix, spread evenly. */
static void place(roma_plan *p) {
    const roma_chip *c = &p->chip;
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->desc->tensors[i];
        roma_tile_layout lay;
        if (t->is_vector || t->tie >= 0) continue;
        roma_tile_layout_get(&t->format, t->cols, &lay);
        bytes += lay.bytes * roma_tiles(t->rows);
    }
    const double units = c->matrix_units * c->lunits, word = roma_chip_word_bits(c) / 8;
    p->rom_words = (uint64_t)((double)bytes / (units * word)) + 1;
    if ((double)p->rom_words > c->lunit_words)
        roma_print(p->note, sizeof p->note,
                   "the model needs %llu ROM words an L-Unit and chip %s has %.0f: it runs here, "
                   "but does not fit that chip",
                   (unsigned long long)p->rom_words, c->name, c->lunit_words);
}

static void lower(builder *b) {
    switch ((roma_arch)b->d->hyper.arch) {
    case ROMA_ARCH_LLAMA:
    case ROMA_ARCH_QWEN2:
    case ROMA_ARCH_QWEN3: roma_map_llama(b); break;
    }
}

int roma_map_plan(roma_plan *p, const roma_description *desc, const roma_chip *chip, roma_error *err) {
    builder b = {.p = p, .d = desc, .layer = UINT32_MAX};
    memset(p, 0, sizeof *p);
    p->desc = desc;
    p->chip = *chip;
    lower(&b);
    int rc = b.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the plan") : ROMA_OK;
    if (!rc) {
        place(p);
        rc = roma_plan_check(p, err);
    }
    if (rc) roma_plan_destroy(p);
    return rc;
}
