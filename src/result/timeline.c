/* Timeline and floorplan. */
#include "roma/result.h"

#include <string.h>

void roma_timeline_add(roma_timeline *t, const roma_span *span) {
    t->failed |= !ROMA_GROW(&t->spans, t->n, &t->cap);
    if (t->failed) return;
    t->spans[t->n++] = *span;
}

void roma_timeline_destroy(roma_timeline *t) {
    roma_free(t->spans);
    memset(t, 0, sizeof *t);
}

int roma_floorplan_create(roma_floorplan *f, uint32_t rows, uint32_t columns) {
    memset(f, 0, sizeof *f);
    if (!rows || !columns) return ROMA_EUSAGE;
    f->cells = roma_alloc_array((size_t)rows * columns, sizeof *f->cells);
    if (!f->cells) return ROMA_ENOMEM;
    f->rows = rows;
    f->columns = columns;
    return ROMA_OK;
}

void roma_floorplan_destroy(roma_floorplan *f) {
    roma_free(f->cells);
    memset(f, 0, sizeof *f);
}
